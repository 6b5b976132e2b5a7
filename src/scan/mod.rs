//! What is wrong with what runs or is about to run. Facts come in, as others found them; findings go out.
//! Nothing here asks anybody anything.

pub mod vulnerabilities;
