//! placeholder until the parser is in
