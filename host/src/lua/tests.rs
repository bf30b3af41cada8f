//! Scripts from end to end of the VM, on a session that only writes down.

mod chains;
mod errors;
mod interrupts;
mod modules;
mod running;
mod sandbox;
mod spans;
mod stacks;
mod strangers;
mod values;

use super::fake::{Fake, Given, failure, layout, output, record, vm_on};
use super::{ScriptError, Site, Vm};
use crate::expr::Int;
use crate::plan::Content;
use crate::report::Report;
use crate::rows::{Table, Value};
use crate::spec::{Ending, ProbeId, SetId, Step, TallyId};
use std::rc::Rc;

fn declared(text: &str) -> Vec<crate::spec::Declaration> {
    let session = Rc::new(Fake::default());
    vm_on(&session).run("test.lua", text).unwrap();
    session.declared.take()
}
