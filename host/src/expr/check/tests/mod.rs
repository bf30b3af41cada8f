mod fixture;
mod limits;
mod lists;
mod meaning;
mod messages;
mod random;
mod reference;
mod touched;
