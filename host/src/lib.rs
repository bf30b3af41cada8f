//! Lua tracing for Linux. The flow, one way: lua (script) → spec → plan → kernel → event → lua (handlers) → output.

pub mod cli;
pub mod codegen;
pub mod collection;
pub mod commands;
pub mod consent;
pub mod event;
pub mod expr;
pub mod facts;
pub mod kernel;
pub mod layout;
pub mod lua;
pub mod output;
pub mod permission;
pub mod plan;
pub mod prompt;
pub mod report;
pub mod rows;
pub mod run;
pub mod spec;
pub mod sys;
pub mod testing;
