//! What a handler reads of its event, so that the kernel fetches it.

use super::call::Call;
use super::error::Failure;
use super::infer::{self, Unreadable};
use crate::report::{Place, Report};
use crate::spec::Source;
use mlua::Function;

/// Stand in every record's header.
const ALWAYS_THERE: [&str; 3] = ["probe", "time", "cpu"];

/// The paths that `handler` reads. Where its source can't tell, the chain needs a `:fetch`.
pub(crate) fn reads(
    call: &Call<'_>,
    handler: &Function,
    has_fetch: bool,
) -> mlua::Result<Vec<Source>> {
    let info = handler.info();
    let text = info
        .source
        .as_deref()
        .and_then(|source| source.strip_prefix('@'))
        .and_then(|name| {
            let (file, text) = call.script.chunks.get(name)?;
            Some((file, text, info.line_defined?, info.last_line_defined?))
        });
    let Some((file, text, first, last)) = text else {
        if has_fetch {
            return Ok(Vec::new());
        }
        let help = "name the fields that it reads with :fetch".to_owned();
        return Err(call.fail_with_help("the handler's source is not in the script", Some(help)));
    };
    let at = |line| Place {
        file: file.clone(),
        line,
    };
    let failed = |report: Report| -> mlua::Error { Failure::Reports(vec![report]).into() };
    let line = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    let inferred = match infer::reads(&text, line(first), line(last)) {
        Ok(inferred) => inferred,
        Err(_) if has_fetch => return Ok(Vec::new()),
        Err(Unreadable::Syntax { line, message }) => {
            return Err(failed(Report::new(message).at(at(line))));
        }
        Err(problem) => return Err(failed(call.report(problem.to_string()))),
    };
    if let Some(escape) = inferred.escape
        && !has_fetch
    {
        return Err(failed(Report::new(escape.why).at(at(escape.line))));
    }
    let reads = inferred.reads.into_iter();
    let reads = reads.filter(|read| !ALWAYS_THERE.contains(&read.path.as_str()));
    Ok(reads
        .map(|read| Source {
            place: at(read.line),
            text: read.path,
        })
        .collect())
}
