//! What applies and writes make of ownership.
