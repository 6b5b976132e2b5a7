//! The rules that always hold (design, section 7), read from the state a second time before every
//! effect, independently of the code that named it. An effect that breaks one is not carried out.
