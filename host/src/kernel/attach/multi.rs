//! One program at many places: in one link, or in one a place. What can't be attached may be left out.

use super::{Attached, Link, NotAttached, Skipped};
use crate::kernel::parallel::in_parallel;
use crate::plan::{self, Attachment, BinaryPlace, KernelFunction};
use crate::sys::ENOTSUPP;
use crate::sys::bpf::ProgramType;
use crate::sys::links::{self, Ends, Functions, Places};
use std::ffi::CString;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The library's program for links to kernel functions, and its type.
pub(super) fn of_kernel(ends: plan::Ends) -> (&'static str, ProgramType) {
    (program(ends), known(ends).of_kernel())
}

/// The same for links to places in a file.
pub(super) fn of_file(ends: plan::Ends) -> (&'static str, ProgramType) {
    (program(ends), known(ends).of_file())
}

fn program(ends: plan::Ends) -> &'static str {
    match ends {
        plan::Ends::Beginning | plan::Ends::Return => "mt_multi",
        plan::Ends::Both => "mt_session",
    }
}

/// As the kernel knows them.
fn known(ends: plan::Ends) -> Ends {
    match ends {
        plan::Ends::Beginning => Ends::Beginning,
        plan::Ends::Return => Ends::Return,
        plan::Ends::Both => Ends::Both,
    }
}

/// Links of one program that are closed at once: each waits until the kernel is done with it.
#[derive(Debug)]
pub struct Links(Vec<Link>);

impl Drop for Links {
    fn drop(&mut self) {
        in_parallel(std::mem::take(&mut self.0), drop);
    }
}

pub(super) fn kprobes(
    program: BorrowedFd<'_>,
    functions: &[KernelFunction],
    ends: plan::Ends,
    optional: bool,
) -> Result<Attached, NotAttached> {
    let names: Result<Vec<CString>, _> = functions
        .iter()
        .map(|function| super::text(function.name.as_str()))
        .collect();
    let names = names.map_err(|error| NotAttached { number: 0, error })?;
    let link = |functions: Functions<'_>, part: &[usize]| {
        let link = links::kprobe_multi(program, functions, &cookies(part), known(ends));
        // What the function tracer does not have, by name and by address (kernel/trace/ftrace.c, ftrace_lookup_symbols and
        // ftrace_match_addr); single probes are refused with EINVAL there.
        link.map_err(|error| match error.raw_os_error() {
            Some(libc::ESRCH | libc::ENOENT) => io::Error::from_raw_os_error(libc::EINVAL),
            _ => error,
        })
    };
    let address = |at: &usize| functions.get(*at).and_then(|function| function.address);
    // A link takes either.
    let (by_address, by_name): (Vec<usize>, Vec<usize>) =
        (0..functions.len()).partition(|at| address(at).is_some());
    in_parts([by_name, by_address], optional, |part| {
        let addresses: Vec<u64> = part.iter().filter_map(address).collect();
        if !addresses.is_empty() {
            return link(Functions::Addresses(&addresses), part);
        }
        let names = part.iter().filter_map(|at| names.get(*at).cloned());
        link(Functions::Names(&names.collect::<Vec<_>>()), part)
    })
}

pub(super) fn uprobes(
    program: BorrowedFd<'_>,
    path: &Path,
    places: &[BinaryPlace],
    (ends, pid): (plan::Ends, Option<u32>),
    optional: bool,
) -> Result<Attached, NotAttached> {
    let path = super::text(path.as_os_str().as_bytes());
    let path = path.map_err(|error| NotAttached { number: 0, error })?;
    in_parts([(0..places.len()).collect()], optional, |part| {
        let of_part = || part.iter().filter_map(|at| places.get(*at));
        let offsets: Vec<u64> = of_part().map(|place| place.offset).collect();
        let semaphores: Vec<u64> = of_part()
            .map(|place| place.semaphore.unwrap_or(0))
            .collect();
        let places = Places {
            path: &path,
            offsets: &offsets,
            semaphores: &semaphores,
            cookies: &cookies(part),
        };
        links::uprobe_multi(program, &places, known(ends), pid)
    })
}

/// A link a place, all at once.
pub(super) fn each(
    program: BorrowedFd<'_>,
    places: &[Attachment],
    optional: bool,
) -> Result<Attached, NotAttached> {
    let attached = in_parallel(places.iter().enumerate(), |(number, place)| {
        super::attach_one(program, place, number as u64)
    });
    let (mut links, mut skipped) = (Vec::new(), Vec::new());
    for (number, attached) in attached.into_iter().enumerate() {
        match attached {
            Ok(link) => links.push(link),
            Err(error) if optional && is_of_the_place(&error) => {
                skipped.push(Skipped { number, error })
            }
            Err(error) => return Err(NotAttached { number, error }),
        }
    }
    Ok(gathered(links, skipped))
}

/// A link of each part, as far as there is anything in it. The kernel refuses a whole link for one place that it doesn't like:
/// halves of it are tried until that is found.
fn in_parts(
    parts: impl IntoIterator<Item = Vec<usize>>,
    optional: bool,
    link: impl Fn(&[usize]) -> io::Result<OwnedFd>,
) -> Result<Attached, NotAttached> {
    let (mut links, mut skipped) = (Vec::new(), Vec::new());
    let mut open: Vec<Vec<usize>> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    while let Some(mut part) = open.pop() {
        let error = match link(&part) {
            Ok(link) => {
                links.push(Link::Bpf(link));
                continue;
            }
            Err(error) => error,
        };
        let first = part.first().copied().unwrap_or(0);
        match part.len() {
            _ if !is_of_the_place(&error) => {
                return Err(NotAttached {
                    number: first,
                    error,
                });
            }
            2.. => {
                let half = part.split_off(part.len() / 2);
                open.extend([half, part]);
            }
            _ if optional => skipped.push(Skipped {
                number: first,
                error,
            }),
            _ => {
                return Err(NotAttached {
                    number: first,
                    error,
                });
            }
        }
    }
    skipped.sort_by_key(|skipped| skipped.number);
    Ok(gathered(links, skipped))
}

/// Where nothing at all could be attached there is no link: other programs of the probe may have theirs.
fn gathered(links: Vec<Link>, skipped: Vec<Skipped>) -> Attached {
    let link = (!links.is_empty()).then(|| Link::Many(Links(links)));
    Attached { link, skipped }
}

fn cookies(part: &[usize]) -> Vec<u64> {
    part.iter().map(|number| *number as u64).collect()
}

/// Does the kernel refuse this place, and might take others?
pub(super) fn is_of_the_place(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EINVAL
                | libc::ENOENT
                | libc::ESRCH
                | libc::EBUSY
                | libc::EEXIST
                | libc::EADDRNOTAVAIL
                | libc::EILSEQ
                | libc::ENOTSUP
                | libc::ENODEV
                | ENOTSUPP
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that takes no list with an odd multiple of 5 in it.
    fn picky(part: &[usize]) -> io::Result<OwnedFd> {
        if part.iter().any(|number| number % 10 == 5) {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        std::fs::File::open("/dev/null").map(OwnedFd::from)
    }

    fn all() -> Vec<usize> {
        (0..30).collect()
    }

    #[test]
    fn what_the_kernel_refuses_is_found_and_left_out() {
        let attached = in_parts([all()], true, picky).unwrap();
        let numbers: Vec<usize> = attached.skipped.iter().map(|of| of.number).collect();
        assert_eq!(numbers, [5, 15, 25]);
        let failed = in_parts([all()], false, picky).unwrap_err();
        assert_eq!(failed.number, 5);
        let nothing = in_parts([vec![0, 1]], true, |_| picky(&[5])).unwrap();
        assert!(nothing.link.is_none() && nothing.skipped.len() == 2);
    }

    #[test]
    fn lack_of_rights_is_no_matter_of_places() {
        let calls = std::cell::Cell::new(0);
        let failed = in_parts([all()], true, |_| {
            calls.set(calls.get() + 1);
            Err(io::Error::from_raw_os_error(libc::EPERM))
        });
        assert!(failed.is_err());
        assert_eq!(calls.get(), 1);
    }
}
