//! `scripts/BPFTRACE.md`: each of its lines is run as it stands there, by a shell, and must show what its workload does.
//!
//! A case has the name of the heading that its line stands below.

use super::cases;
use crate::trace::product;
use crate::worker::{Worker, executable};
use std::ffi::CString;
use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::ptr::null;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../scripts/BPFTRACE.md");

cases!(pages:
    files_opened_by_process, syscall_count_by_program, read_bytes_by_process, read_size_distribution_by_process,
    per_second_syscall_rates, disk_size_by_process [Disk], page_faults_by_process,
    llc_cache_misses_by_process_name_and_pid, user_level_stacks_at_99_hertz_of_one_process, files_opened_in_a_cgroup,
    processes_that_sleep [Kprobes], sleep_as_a_child_process [Kprobes], all_probes_with_sleep_in_their_name,
    all_the_probes_of_a_program [Kprobes],
    lesson_1_listing_probes, lesson_2_hello_world, lesson_3_file_opens, lesson_4_syscall_counts_by_process,
    lesson_5_distribution_of_read_bytes, lesson_6_kernel_dynamic_tracing_of_read_bytes [Kprobes],
    lesson_7_timing_read_s [Kprobes], lesson_8_count_process_level_events, lesson_9_profile_on_cpu_kernel_stacks,
    lesson_10_scheduler_tracing, lesson_11_block_i_o_tracing [Disk], lesson_12_kernel_struct_tracing [Kprobes],
    new_programs_with_their_arguments, timing_by_hand, largest_first_every_five_seconds, begin_and_end,
    two_probes_one_map, an_if_in_the_block, the_time_of_day, an_argument_of_the_command_line,
    what_the_task_itself_knows, a_function_of_a_program, static_probes_of_a_program, a_histogram_with_finer_steps,
    every_line_has_a_case, its_words_are_known, its_tools_are_there);

/// Opens a file seven times.
const OPENS: &str = "{worker} as mt-page at-once open {file} 7";
/// Reads 300 bytes, fifty times.
const READS: &str = "dd if=/dev/zero of=/dev/null bs=300 count=50 status=none";
/// Writes to a disk, four times.
const WRITES: &str = "dd if=/dev/zero of={file} bs=64k count=4 oflag=direct status=none";
const CALLS: &str = "{worker} as mt-page at-once getppid 500";
const NAPS: &str = "{worker} as mt-page at-once nap 20";

fn files_opened_by_process() {
    line("Files opened by process").shows(OPENS, &["mt-page {file}"]);
}

fn syscall_count_by_program() {
    line("Syscall count by program").shows(CALLS, &["mt-page 500+"]);
}

fn read_bytes_by_process() {
    line("Read bytes by process").shows(READS, &["dd 15000+"]);
}

fn read_size_distribution_by_process() {
    let shown = ["*sys_exit_read by comm[dd]:", "[256, 512) 50+"];
    line("Read size distribution by process").shows(READS, &shown);
}

fn per_second_syscall_rates() {
    let paced = "{worker} as mt-page at-once pace 1500";
    line("Per-second syscall rates").shows(paced, &["@tracepoint:raw_syscalls:sys_enter: 100+"]);
}

fn disk_size_by_process() {
    line("Disk size by process").shows(WRITES, &["1+ dd 65536"]);
}

fn page_faults_by_process() {
    let touching = "{worker} as mt-page at-once touch 1000";
    line("Page faults by process").shows(touching, &["mt-page 1000+"]);
}

/// Where nothing counts them the message says so, and what would do.
fn llc_cache_misses_by_process_name_and_pid() {
    let line = line("LLC cache misses by process name and PID");
    if Path::new("/sys/bus/event_source/devices/cpu").exists() {
        return line.shows(
            "{worker} as mt-page at-once touch 200000",
            &["mt-page 1+ 1+"],
        );
    }
    let [command] = &line.commands[..] else {
        panic!("one line: {line:?}")
    };
    let run = line.start(command, &["WORKLOAD=true"]).end();
    assert_eq!(run.status, Some(1), "{run:?}");
    for said in ["no performance monitoring unit", "software:page-faults"] {
        assert!(run.stderr.contains(said), "{run:?}");
    }
}

fn user_level_stacks_at_99_hertz_of_one_process() {
    let line = line("User-level stacks at 99 Hertz, of one process");
    line.shows_of_process(&["recurse", "200", "150000"], &["moontrace_recurse+*"]);
}

fn files_opened_in_a_cgroup() {
    let group = Group::new("/sys/fs/cgroup", "unified/mycg");
    let procs = group.0.join("cgroup.procs");
    let inside = format!("sh -c 'echo $$ >{}; exec {OPENS}'", procs.display());
    line("Files opened in a cgroup").shows(&inside, &["{file}"]);
}

fn processes_that_sleep() {
    line("Processes that sleep").shows(NAPS, &["1+ sleeping"]);
}

fn sleep_as_a_child_process() {
    line("Sleep as a child process").shows("", &["1+ sleeping"]);
}

fn all_probes_with_sleep_in_their_name() {
    let shown = ["tracepoint:syscalls:sys_enter_clock_nanosleep"];
    line("All probes with sleep in their name").shows("", &shown);
}

fn all_the_probes_of_a_program() {
    let shown = ["kprobe:do_nanosleep", "pid u32 the handler reads it*"];
    line("All the probes of a program").shows("", &shown);
}

fn lesson_1_listing_probes() {
    let shown = [
        "tracepoint:syscalls:sys_enter_openat",
        "tracepoint:syscalls:sys_enter_read",
    ];
    line("Lesson 1. Listing probes").shows("", &shown);
}

fn lesson_2_hello_world() {
    line("Lesson 2. Hello world").shows("", &["hello world"]);
}

fn lesson_3_file_opens() {
    line("Lesson 3. File opens").shows(OPENS, &["mt-page {file}"]);
}

fn lesson_4_syscall_counts_by_process() {
    line("Lesson 4. Syscall counts by process").shows(CALLS, &["mt-page 500+"]);
}

/// `begin` and `finish` are reads of the worker's, too.
fn lesson_5_distribution_of_read_bytes() {
    let line = line("Lesson 5. Distribution of read() bytes");
    line.shows_of_process(&["getppid", "1"], &["@bytes:", "[2, 4) 1+"]);
}

fn lesson_6_kernel_dynamic_tracing_of_read_bytes() {
    let line = line("Lesson 6. Kernel dynamic tracing of read() bytes");
    line.shows(READS, &["@bytes:", "[200, 400) 50+"]);
}

fn lesson_7_timing_read_s() {
    line("Lesson 7. Timing read()s").shows(READS, &["@ns[dd]:", "*) 1+ |@*"]);
}

fn lesson_8_count_process_level_events() {
    // A nap may be cut short.
    let shown = ["tracepoint:sched:sched_switch 10+"];
    line("Lesson 8. Count process-level events").shows(NAPS, &shown);
}

fn lesson_9_profile_on_cpu_kernel_stacks() {
    let reading = "{worker} as mt-page at-once read /dev/zero 1048576 4000";
    line("Lesson 9. Profile on-CPU kernel stacks").shows(reading, &["1+", "vfs_read+*"]);
}

fn lesson_10_scheduler_tracing() {
    line("Lesson 10. Scheduler tracing").shows(NAPS, &["10+", "do_nanosleep+*"]);
}

fn lesson_11_block_i_o_tracing() {
    line("Lesson 11. Block I/O tracing").shows(WRITES, &["[64K, 128K) 4+"]);
}

fn lesson_12_kernel_struct_tracing() {
    let line = line("Lesson 12. Kernel struct tracing");
    line.only(0).shows(OPENS, &["open path: {name}"]);
    line.only(1).shows(OPENS, &["{name}"]);
}

fn new_programs_with_their_arguments() {
    let shown = ["* --workload at-once getppid 3"];
    line("New programs with their arguments")
        .shows("sh -c 'exec {worker} at-once getppid 3'", &shown);
}

fn timing_by_hand() {
    line("Timing by hand").shows(READS, &["@ns[dd]:", "*) 1+ |@*"]);
}

fn largest_first_every_five_seconds() {
    let calls = "sh -c '{worker} as mt-page at-once getppid 500; sleep 6'";
    line("Largest first, every five seconds").shows(calls, &["mt-page 500+"]);
}

fn begin_and_end() {
    line("Begin and end").shows(READS, &["counting reads", "50+ reads"]);
}

fn two_probes_one_map() {
    let copying = "dd if=/dev/zero of={file} bs=300 count=50 status=none";
    let shown = [
        "dd tracepoint:syscalls:sys_exit_read 15000+",
        "dd tracepoint:syscalls:sys_exit_write 15000+",
    ];
    line("Two probes, one map").shows(copying, &shown);
}

fn an_if_in_the_block() {
    let line = line("An if in the block");
    line.shows(
        "{worker} as mt-page at-once open {file} 7",
        &["mt-page 0 7"],
    );
    line.shows(
        "{worker} as mt-page at-once open /nonexistent 4",
        &["mt-page 4 0"],
    );
}

fn the_time_of_day() {
    line("The time of day").shows(OPENS, &["*:*:* mt-page"]);
}

fn an_argument_of_the_command_line() {
    let line = line("An argument of the command line");
    let reading = "dd if=/dev/zero of=/dev/null bs=1003 count=5 status=none";
    line.shows(reading, &["dd 1003"]);
}

fn what_the_task_itself_knows() {
    let child = "sh -c '{worker} as mt-page at-once getppid 2; true'";
    line("What the task itself knows").shows(child, &["mt-page sh"]);
}

fn a_function_of_a_program() {
    line("A function of a program").shows("./program", &["15 odd", "18 even"]);
}

/// The first argument is 0 to 9.
fn static_probes_of_a_program() {
    let calling = "./server --workload at-once call 10";
    line("Static probes of a program").shows(calling, &["-7 45"]);
}

fn a_histogram_with_finer_steps() {
    line("A histogram with finer steps").shows(READS, &["[256, 320) 50+"]);
}

fn every_line_has_a_case() {
    let cases: Vec<&str> = CASES
        .iter()
        .filter_map(|case| case.name.strip_prefix("pages::"))
        .collect();
    for line in lines() {
        let name = name_of(&line.heading);
        assert!(cases.contains(&name.as_str()), "no case pages::{name}");
        assert!(line.commands.iter().all(|command| !command.is_empty()));
    }
}

/// Of the tables: texts stand in a probe, what begins with `:` is a chain, all else are statements
/// of Lua's.
fn its_words_are_known() {
    let texts = words_below("### Words of texts");
    let chains = words_below("### Words of chains and of Lua");
    assert!(
        texts.len() > 20 && chains.len() > 20,
        "{texts:?} {chains:?}"
    );
    let mut script = String::from("local open, seen, last = span(), set{ keys = 10 }, {}\n");
    script += "local t = probe 'tracepoint:syscalls:sys_enter_read' :by 'pid' :count()\n";
    script += "probe 'tracepoint:syscalls:sys_enter_read' :start(open, 'tid')\n";
    for text in texts {
        let place = "uretprobe:./server:moontrace_target";
        script += &format!("probe '{place}' :fetch [==[it = {text}]==] :on(function() end)\n");
    }
    for chain in chains {
        script += &if chain.starts_with(':') {
            format!("probe 'tracepoint:syscalls:sys_exit_read' {chain}\n")
        } else if chain.contains("t:") {
            format!("on_exit(function() {chain} end)\n")
        } else {
            format!("{chain}\n")
        };
    }
    let folder = Folder::new();
    let path = folder.path("words.lua");
    std::fs::write(&path, &script).expect("a file");
    let mut command = Command::new(product());
    command.args(["check", "words.lua"]).current_dir(&folder.0);
    let output = command.output().expect("the product starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{script}");
}

/// What is code in the first sentence below their heading.
fn its_tools_are_there() {
    let below = PAGE.split_once("### Tools\n").expect("the heading").1;
    let sentence = below.split_once(". ").expect("a sentence").0;
    let names: Vec<&str> = sentence.split('`').skip(1).step_by(2).collect();
    assert!(names.len() > 10, "{names:?}");
    let output = Command::new(product()).arg("tools").output();
    let listed = String::from_utf8(output.expect("the product starts").stdout).expect("UTF-8");
    for name in names {
        let is_there = listed.lines().any(|line| fits(line, &format!("{name} *")));
        assert!(is_there, "no {name} in\n{listed}");
    }
}

/// What stands below a heading, as a user would type it.
#[derive(Debug)]
struct Line {
    heading: String,
    commands: Vec<String>,
}

/// What a run said.
#[derive(Debug)]
struct Run {
    stdout: String,
    stderr: String,
    status: Option<i32>,
}

/// A run that has begun, in a folder of its own.
struct Running {
    child: Child,
    /// Where it says, as to a service manager, that its probes are live.
    ready: UnixDatagram,
    folder: Folder,
}

fn lines() -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut within = false;
    for text in PAGE.lines() {
        if let Some(heading) = text.strip_prefix("### ") {
            lines.push(Line {
                heading: heading.to_owned(),
                commands: Vec::new(),
            });
        }
        let (Some(line), Some(code)) = (lines.last_mut(), text.strip_prefix("    ")) else {
            within = false;
            continue;
        };
        if code.starts_with("moontrace ") {
            line.commands.push(code.to_owned());
            within = true;
        } else if !code.starts_with(' ') {
            within = false;
        } else if let (true, Some(command)) = (within, line.commands.last_mut()) {
            *command += &format!("\n{code}");
        }
    }
    lines.retain(|line| !line.commands.is_empty());
    lines
}

#[track_caller]
fn line(heading: &str) -> Line {
    let line = lines().into_iter().find(|line| line.heading == heading);
    line.unwrap_or_else(|| panic!("no line of moontrace's below '{heading}'"))
}

/// What the case of a heading is called.
fn name_of(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// The words in code in the second column of the table below a heading.
fn words_below(heading: &str) -> Vec<&'static str> {
    let table = PAGE.lines().skip_while(|line| *line != heading);
    let rows = table.skip(1).take_while(|line| !line.starts_with('#'));
    let cells = rows.filter_map(|row| row.split(" | ").nth(1));
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

impl Line {
    /// The command of that number.
    fn only(&self, number: usize) -> Self {
        Self {
            heading: self.heading.clone(),
            commands: vec![self.commands[number].clone()],
        }
    }

    /// Each command, with `-c` and the workload where there is one, ends well and has such lines in its output.
    fn shows(&self, workload: &str, wanted: &[&str]) {
        for command in &self.commands {
            let workload = format!("WORKLOAD={workload}");
            let running = self.start(command, &[&workload]);
            let wanted: Vec<String> = wanted
                .iter()
                .map(|line| running.folder.fill(line))
                .collect();
            running.end().has(&wanted, command);
        }
    }

    /// The same of one process, which a worker with these words is in place of the page's, until it is done.
    fn shows_of_process(&self, worker: &[&str], wanted: &[&str]) {
        for command in &self.commands {
            let mut worker = Worker::start(worker);
            let number = command.split(' ').skip_while(|word| *word != "-p").nth(1);
            let number = number.expect("a number after -p");
            let own = command.replacen(number, &worker.pid().to_string(), 1);
            let running = self.start(&own, &[]);
            running.wait_until_attached();
            worker.go();
            // SAFETY: the process is our child and not waited for yet, so its number is no other's.
            unsafe { libc::kill(running.child.id() as i32, libc::SIGINT) };
            running.end().has(wanted, command);
        }
    }

    /// Has a shell run a command of the page, by which `moontrace` is the product, with what the variables add.
    fn start(&self, command: &str, variables: &[&str]) -> Running {
        let folder = Folder::new();
        let script = format!(
            r#"moontrace() {{
                if [ -n "$WORKLOAD" ]; then set -- -c "$WORKLOAD" "$@"; fi
                exec "$PRODUCT" "$@"
            }}
            {command}"#
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).current_dir(&folder.0);
        let ready = UnixDatagram::bind(folder.path("ready")).expect("a socket");
        shell.env("NOTIFY_SOCKET", folder.path("ready"));
        shell.env("PRODUCT", product());
        for variable in variables {
            let (name, value) = variable.split_once('=').expect("NAME=VALUE");
            shell.env(name, folder.fill(value));
        }
        let file = |name| File::create(folder.path(name)).expect("a file");
        let child = shell
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("a shell starts");
        Running {
            child,
            ready,
            folder,
        }
    }
}

impl Running {
    fn wait_until_attached(&self) {
        let limit = Some(Duration::from_secs(60));
        self.ready.set_read_timeout(limit).expect("above 0");
        let said = self.ready.recv(&mut [0; 64]);
        said.unwrap_or_else(|_| panic!("not attached: {}", self.folder.read("stderr")));
    }

    fn end(mut self) -> Run {
        let started = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("a child can be waited for") {
                Some(status) => break status.code(),
                None if started.elapsed() > Duration::from_secs(60) => {
                    let _ = self.child.kill();
                    let _ = self.child.wait();
                    panic!("it did not end: {}", self.folder.read("stderr"));
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        Run {
            stdout: self.folder.read("stdout"),
            stderr: self.folder.read("stderr"),
            status,
        }
    }
}

impl Run {
    fn has(&self, wanted: &[impl AsRef<str>], command: &str) {
        assert_eq!(self.status, Some(0), "{command}\n{self:?}");
        // Of what the kernel skips it says so: no fault of the line's.
        let mut complaints = self.stderr.lines();
        let complains = complaints.any(|line| !line.contains(": the kernel skipped "));
        assert!(!complains, "{command}\n{self:?}");
        for line in wanted {
            let shown = self.stdout.lines().any(|shown| fits(shown, line.as_ref()));
            assert!(
                shown,
                "no '{}' of {command}\n{}",
                line.as_ref(),
                self.stdout
            );
        }
    }
}

/// Whether words in a row fit a line: `*` is anything within a word, and `N+` a number that is N at least.
fn fits(line: &str, wanted: &str) -> bool {
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(wanted.len()).any(|words| {
        words
            .iter()
            .zip(&wanted)
            .all(|(word, want)| fits_word(word, want))
    })
}

fn fits_word(word: &str, want: &str) -> bool {
    if let Some(Ok(least)) = want.strip_suffix('+').map(str::parse::<u64>) {
        return word.parse::<u64>().is_ok_and(|number| number >= least);
    }
    let Some((head, tail)) = want.split_once('*') else {
        return word == want;
    };
    let Some(rest) = word.strip_prefix(head) else {
        return false;
    };
    (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits_word(&rest[at..], tail))
}

/// Where a command runs: with the programs that the page speaks of.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        // Not in memory: some lines look for what disks do.
        let folder = tempfile::tempdir_in("/var/tmp").or_else(|_| tempfile::tempdir());
        let folder = Self(folder.expect("a temporary directory"));
        symlink(executable(), folder.path("server")).expect("a link");
        std::fs::write(folder.path("program"), moontrace_described::PROGRAM).expect("a file");
        let mode = Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path("program"), mode).expect("a file's mode");
        std::fs::write(folder.path("opened"), "").expect("a file");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(self.path(name)).expect("a file");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Puts the worker's command and the file that is opened in place of their names.
    fn fill(&self, text: &str) -> String {
        let file = self.path("opened").display().to_string();
        text.replace("{worker}", &format!("{} --workload", executable()))
            .replace("{file}", &file)
            .replace("{name}", "opened")
    }
}

/// A cgroup of the second version where the page has it, below the machine's mount of them or one of ours; it is removed
/// when this is dropped.
pub(super) struct Group(pub(super) PathBuf);

impl Group {
    pub(super) fn new(root: &str, name: &str) -> Self {
        let root = Path::new(root);
        if std::fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none()) {
            let target = CString::new(root.to_str().expect("UTF-8")).expect("no NUL");
            let (source, kind) = (c"none".as_ptr(), c"cgroup2".as_ptr());
            // SAFETY: strings that end in NUL; no data.
            let failed = unsafe { libc::mount(source, target.as_ptr(), kind, 0, null()) };
            assert_eq!(failed, 0, "{}", std::io::Error::last_os_error());
        }
        let group = root.join(name);
        std::fs::create_dir_all(&group).expect("a cgroup can be made");
        Self(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Processes leave it a moment after they have ended.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.0).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        if let Some(parent) = self.0.parent() {
            let _ = std::fs::remove_dir(parent);
        }
    }
}
