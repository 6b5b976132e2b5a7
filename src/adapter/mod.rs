//! The ports over the real world: kubeconfig, git, helm, scripts, secrets, SQLite, the clock.

pub mod sqlite;
