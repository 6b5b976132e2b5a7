//! How data becomes text: terminal tables, progress, JSON envelopes.
