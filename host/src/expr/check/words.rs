//! Words that stand alone, and `$name`: whose they are.

use super::Result;
use super::checker::Checker;
use super::items::Checked;
use super::paths::enumerated;
use super::term::{Term, known};
use crate::expr::known::{Known, Word};
use crate::expr::syntax::Syntax;
use crate::expr::tree::{Current, Node, Text};
use crate::expr::types::{Int, Type};
use crate::expr::walk::Branch;
use crate::report::{Report, did_you_mean};
use crate::spec::{Given, Member};
use std::ops::Range;

/// The words that every probe has.
pub(in crate::expr) static WORDS: [Word; 12] = [
    Word {
        known: Known {
            name: "pid",
            form: "pid",
            doc: "The process, by the numbers of moontrace's own pid namespace.",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat" :by "pid, comm" :count()"#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "tid",
            form: "tid",
            doc: "The thread, by the numbers of moontrace's own pid namespace.",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat" :by "tid, comm" :count()"#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "uid",
            form: "uid",
            doc: "The user that the thread acts as.",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat" :by "uid" :count()"#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "gid",
            form: "gid",
            doc: "The group that the thread acts as.",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat" :by "gid" :count()"#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "cpu",
            form: "cpu",
            doc: "The CPU that it happens on.",
            example: r#"probe "tracepoint:sched:sched_switch" :by "cpu" :count()"#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "time",
            form: "time",
            doc: "When it happens: ns of CLOCK_MONOTONIC, the same in all texts of one event.",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat" :print "time, comm""#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "cgroup",
            form: "cgroup",
            doc: "The number of the process's cgroup (version 2).",
            example: r#"probe "tracepoint:raw_syscalls:sys_enter" :by "cgroup" :count()"#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "comm",
            form: "comm",
            doc: "The thread's name, up to 15 bytes.",
            example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :where "comm == 'cat'" :print "args.filename""#,
        },
        lua: "string",
    },
    Word {
        known: Known {
            name: "ppid",
            form: "ppid",
            doc: "The process's parent, by the numbers of the machine.",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat" :by "ppid, comm" :count()"#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "curtask",
            form: "curtask",
            doc: "The `struct task_struct *` of the thread.",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm, parent = curtask.real_parent.comm" :count()"#,
        },
        lua: "any",
    },
    Word {
        known: Known {
            name: "kstack",
            form: "kstack",
            doc: "The kernel's stack, up to 127 frames. It stands in lists only.",
            example: r#"probe "profile:hz:99" :by "kstack" :count()"#,
        },
        lua: "moontrace.stack",
    },
    Word {
        known: Known {
            name: "ustack",
            form: "ustack",
            doc: "The process's stack, up to 127 frames. It stands in lists only.",
            example: r#"probe "profile:hz:99" :by "comm, ustack" :count()"#,
        },
        lua: "moontrace.stack",
    },
];

/// Words that mean something at some probes, in some chains or scripts: [`Names`](crate::expr::Names) says where.
pub(in crate::expr) static OTHERS: [Word; 9] = [
    Word {
        known: Known {
            name: "args",
            form: "args.NAME",
            doc: "The probe's arguments; `moontrace describe PROBE` lists them. Their names alone mean the same where nothing else is called so.",
            example: r#"probe "tracepoint:syscalls:sys_enter_read" :print "args.fd, args.count""#,
        },
        lua: "any",
    },
    Word {
        known: Known {
            name: "retval",
            form: "retval",
            doc: "At returns: what the call returned.",
            example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :where "retval < 0" :print "comm, retval""#,
        },
        lua: "any",
    },
    Word {
        known: Known {
            name: "arg0",
            form: "arg0, arg1, …",
            doc: "A function's arguments by their numbers.",
            example: r#"if exists "kprobe:vfs_read" then
  probe "kprobe:vfs_read" :print "comm, arg2"
end"#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "elapsed",
            form: "elapsed",
            doc: "At returns: ns since the call began. Behind `:finish` and `:within`: ns since the start that they have found.",
            example: r#"probe "tracepoint:syscalls:sys_exit_read" :by "comm" :hist "elapsed / 1us""#,
        },
        lua: "integer",
    },
    Word {
        known: Known {
            name: "from",
            form: "from.NAME",
            doc: "What a span has stored of its start, behind `:finish` and `:within`; `from.time` is when it began.",
            example: r#"local reads = span()
probe "tracepoint:syscalls:sys_enter_read" :fetch "args.count" :start(reads)
probe "tracepoint:syscalls:sys_exit_read"
  :finish(reads) :print "comm, from.count, retval""#,
        },
        lua: "any",
    },
    Word {
        known: Known {
            name: "probe",
            form: "probe",
            doc: "The probe's name, of several that a pattern matches the one that was hit.",
            example: r#"probe "tracepoint:sched:sched_process_*" :by "probe" :count()"#,
        },
        lua: "string",
    },
    Word {
        known: Known {
            name: "func",
            form: "func",
            doc: "The last part of the probe's name.",
            example: r#"probe "tracepoint:syscalls:sys_enter_open*" :by "func" :count()"#,
        },
        lua: "string",
    },
    Word {
        known: Known {
            name: "$name",
            form: "$name",
            doc: "What `:with` gives, else the script's option of that name; `$1` is the script's first argument.",
            example: r#"probe "tracepoint:syscalls:sys_enter_read"
  :with{ least = 4096 } :where "args.count >= $least" :print "comm""#,
        },
        lua: "",
    },
    Word {
        known: Known {
            name: "$target",
            form: "$target",
            doc: "The processes that `-p` and `-c` trace, all when there is neither. It stands behind `in` only.",
            example: r#"probe "tracepoint:sched:sched_switch"
  :where "args.next_pid in $target" :by "cpu" :count()"#,
        },
        lua: "",
    },
];

/// What bpftrace calls otherwise, with what it is here.
const ELSEWHERE: [(&str, &str); 3] = [
    ("nsecs", "time"),
    ("cpid", "$target"),
    ("pcomm", "curtask.real_parent.comm"),
];

impl<'a> Checker<'a> {
    /// The argument that a parameter of the definition stands for, and the text it is part of.
    pub(super) fn parameter(&self, name: &str) -> Option<(&'a Self, &'a Syntax)> {
        let call = self.call.as_ref()?;
        let definition = self.scope.definitions.get(call.number)?;
        let position = definition
            .parameters
            .iter()
            .position(|parameter| parameter == name)?;
        Some((call.caller, call.arguments.get(position)?))
    }

    pub(super) fn word(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        if let Some((caller, argument)) = self.parameter(name) {
            return caller.term(argument);
        }
        // A definition means the same wherever it is used: names of the chain don't reach into it.
        let bound = if self.call.is_none() {
            self.scope.bound
        } else {
            &[]
        };
        match bound.iter().rev().find(|(bound, _)| bound == name) {
            Some((_, checked)) => self.bound(checked, span),
            None if self.call.is_none() && self.scope.refused.names.iter().any(|of| of == name) => {
                Err(self.said(name, span))
            }
            None => self.own_word(name, span),
        }
    }

    /// What an earlier text gave that name to is refused already.
    fn said(&self, name: &str, span: &Range<usize>) -> super::Refusal {
        super::Refusal {
            report: self.refuse(span, format!("what '{name}' is can't be had")),
            missing: false,
            said: true,
        }
    }

    /// What an earlier text gave a name to.
    fn bound(&self, checked: &Checked, span: &Range<usize>) -> Result<Term> {
        if let Some(branch) = checked.branch() {
            // Its depth is held against the limit here: what stands around it counts already.
            self.within_limits(self.work.deeper(branch.depth()), span)?;
            self.within_limits(self.work.spend(branch.size()), span)?;
        }
        match checked {
            Checked::Int(node, ty) => Ok(Term::Int(node.clone(), ty.clone())),
            Checked::Condition(node) => Ok(Term::Bool(node.clone())),
            Checked::Text(text) => Ok(Term::Text(text.clone())),
            Checked::Copied(copied) => Ok(copied.term.clone()),
            Checked::Stack(stack) => Ok(Term::Stack(stack.clone())),
            Checked::Symbol(symbol) => Ok(Term::Symbol(symbol.clone())),
            Checked::Time => self.own_word("time", span),
            Checked::Cpu => self.own_word("cpu", span),
            Checked::Probe => self.own_word("probe", span),
            Checked::Func => self.own_word("func", span),
        }
    }

    /// A word of the language, of the probe, of the script's definitions or of the kernel.
    pub(super) fn own_word(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        let current = match name {
            "pid" => Current::Pid,
            "tid" => Current::Tid,
            "uid" => Current::Uid,
            "gid" => Current::Gid,
            "cpu" => Current::Cpu,
            "time" => Current::Time,
            "cgroup" => Current::Cgroup,
            "comm" => return Ok(Term::Text(Text::Comm(None))),
            "curtask" => return self.task(span),
            "ppid" => return self.parent(span),
            _ => return self.word_of_site(name, span),
        };
        Ok(Term::number(Node::Current(current)))
    }

    fn word_of_site(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        if let Some(meaning) = self.builtin_named(name) {
            return self.kept_in_bounds(meaning.into(), span);
        }
        match name {
            "elapsed" => return self.elapsed(span),
            "from" => return Err(self.bare_from(span).into()),
            "kstack" | "ustack" => return self.stack(name == "ustack", None, span),
            _ => {}
        }
        if let Some(number) = self.definition_named(name) {
            return self.expand(number, &[], span);
        }
        // An argument of the probe by its bare name; not in a definition, which may be used at probes of every kind.
        if self.call.is_none()
            && let Some(meaning) = self.argument_named(name)
        {
            return self.kept_in_bounds(meaning.into(), span);
        }
        match self.scope.names.constant(name) {
            Some(value) => Ok(Term::constant(value)),
            None if self.scope.refused.any => Err(self.said(name, span)),
            None => Err(self.unknown(name, span)),
        }
    }

    fn unknown(&self, name: &str, span: &Range<usize>) -> super::Refusal {
        let names = self.scope.names;
        if let Some(why) = self.absent(name) {
            return self.missing(span, why, None);
        }
        if name == "args" {
            let message = format!("the arguments of {} have names: args.NAME", names.site());
            return Report {
                help: enumerated("there are", &self.scope.argument_names()),
                ..self.refuse(span, message)
            }
            .into();
        }
        let message = format!("there is no '{name}' at {}", names.site());
        if let Some(form) = self.form_of(name) {
            return self
                .refuse(span, format!("'{name}' is a function"))
                .help(format!("write: {form}"))
                .into();
        }
        // Other kinds of probe have these.
        if name == "retval"
            || name
                .strip_prefix("arg")
                .is_some_and(|rest| rest.parse::<u8>().is_ok())
        {
            return self.missing(span, message, enumerated("there are", &names.builtins()));
        }
        let elsewhere = ELSEWHERE.iter().find(|(word, _)| *word == name);
        let help = if self.argument_named(name).is_some() {
            Some(format!("the argument is args.{name}"))
        } else if let Some((_, here)) = elsewhere {
            Some(format!("did you mean '{here}'?"))
        } else {
            did_you_mean(name, self.words().iter().map(String::as_str))
        };
        Report {
            help,
            ..self.refuse(span, message)
        }
        .into()
    }

    /// All words that would have been right.
    fn words(&self) -> Vec<String> {
        let names = self.scope.names;
        let mut known: Vec<String> = WORDS.iter().map(|word| word.known.name.into()).collect();
        known.extend(names.builtins());
        known.extend(
            self.scope
                .argument_names()
                .iter()
                .map(|name| format!("args.{name}")),
        );
        known.extend(self.scope.bound.iter().map(|(name, _)| name.clone()));
        if self.call.is_none() {
            known.extend(self.scope.argument_names());
        }
        if let Some(call) = &self.call
            && let Some(definition) = self.scope.definitions.get(call.number)
        {
            known.extend(definition.parameters.iter().cloned());
        }
        known
    }

    fn task(&self, span: &Range<usize>) -> Result<Term> {
        match self.scope.names.task() {
            Some(ty) => Ok(Term::Int(Node::Current(Current::Task), ty)),
            None => {
                let report = self.refuse(
                    span,
                    "this needs the kernel's own description of its types (BTF), and there is none",
                );
                Err(report
                    .help("kernels have it that are built with CONFIG_DEBUG_INFO_BTF=y")
                    .into())
            }
        }
    }

    /// `curtask.real_parent.tgid`
    fn parent(&self, span: &Range<usize>) -> Result<Term> {
        let parent = self.member(self.task(span)?, "real_parent", span, span)?;
        self.member(parent, "tgid", span, span)
    }

    pub(super) fn given(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        let slot = |id| (self.scope.slots)(id);
        let what = match self.scope.given.get(name) {
            Some(Given::Int(value)) => return Ok(Term::constant(i128::from(*value))),
            Some(Given::Bool(value)) => return Ok(Term::Bool(known(*value))),
            Some(Given::Str(bytes)) => return Ok(Term::Text(Text::Literal(bytes.clone()))),
            Some(Given::Var(id, Member::Int(_))) => {
                let (slot, int) = (slot(*id), Int::I64);
                return Ok(Term::Int(Node::Variable { slot, int }, Type::Int(int)));
            }
            Some(Given::Var(id, Member::Str(_))) => {
                return Ok(Term::Text(Text::Variable(slot(*id))));
            }
            Some(Given::Nil) => {
                let report = self.refuse(span, format!("the option ${name} was not given"));
                let help = format!("leave the step away without it: :where(opt.{name} and \"…\")");
                return Err(report.help(help).into());
            }
            None if name != "target" => return Err(self.not_given(name, span)),
            Some(Given::Var(_, Member::Tuple(_)) | Given::List(_)) => "a list",
            Some(Given::Set(_)) => "a set",
            Some(Given::Target) | None => "the set of traced processes",
        };
        let report = self.refuse(
            span,
            format!("${name} is {what}, which stands behind 'in' only"),
        );
        Err(report.help(format!("write: x in ${name}")).into())
    }

    fn not_given(&self, name: &str, span: &Range<usize>) -> super::Refusal {
        let known: Vec<String> = self
            .scope
            .given
            .keys()
            .map(|known| format!("${known}"))
            .collect();
        let near = did_you_mean(&format!("${name}"), known.iter().map(String::as_str));
        let help = near.unwrap_or_else(|| match name.parse::<u32>() {
            Ok(number) => format!("the script's argument number {number} was not given"),
            Err(_) => format!("give it a value, :with{{ {name} = … }}, or declare the option in the script's header"),
        });
        self.refuse(span, format!("${name} has no value"))
            .help(help)
            .into()
    }
}

impl Checked {
    /// The tree that it is, where it is one.
    fn branch(&self) -> Option<Branch<'_>> {
        match self {
            Self::Int(node, _) | Self::Condition(node) => Some(Branch::Node(node)),
            Self::Text(text) => Some(Branch::Text(text)),
            Self::Stack(stack) => Some(Branch::Node(&stack.word)),
            Self::Symbol(symbol) => Some(Branch::Node(&symbol.address)),
            Self::Copied(_) | Self::Probe | Self::Func | Self::Time | Self::Cpu => None,
        }
    }
}
