//! From product content and values to objects: templates, helm's output, and the scan of charts
//! for what would make the same inputs render differently.
