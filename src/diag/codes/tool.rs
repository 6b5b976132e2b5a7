//! TG09xx: the tool and its environment.

codes! {}
