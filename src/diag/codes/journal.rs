//! TG08xx: the journal and its driver.

codes! {}
