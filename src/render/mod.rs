//! Plan and report as text and JSON. Pure: strings out, nobody printed to.
