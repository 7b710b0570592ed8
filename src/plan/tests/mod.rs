//! Tests of planning as a whole; `fleet` builds small worlds, `carry_out` is a model of apply.

mod arbitrary;
mod blocked;
mod carry_out;
mod extensions;
pub(crate) mod fleet;
mod guards;
mod hazards;
mod notices;
mod properties;
mod saved;
mod selection;
mod shapes;
mod verdicts;
mod waves;
