//! TG02xx: the catalog of a repository, and references between its files.

codes! {}
