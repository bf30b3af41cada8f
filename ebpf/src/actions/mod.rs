//! What is done with an event that passed, one function an action. The host puts one of them in the place of `act`.

mod emit;
mod enter;
mod nothing;
mod set;
mod span;
mod tally;
