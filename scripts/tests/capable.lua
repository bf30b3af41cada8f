local EITHER = "kprobe:cap_capable,tracepoint:capability:cap_capable"

case("shows what chroot asks for", { needs = EITHER, example = true }, function()
  local row = run{ "capable", command = "chroot / true" }:row{ COMM = "chroot", CAP = 18 }
  equal(row.NAME, "CAP_SYS_CHROOT")
  equal(row.UID, 0)
  check(row.TIME:find "^%d%d:%d%d:%d%d$")
end)

case("checks that are not audited are shown by -v only", { needs = "kprobe:cap_capable" }, function()
  equal(run{ "capable", command = "chroot / true" }:row{ COMM = "chroot", CAP = 18 }.AUDIT, 1)
  -- Whether addresses may be read there is asked without audit.
  local command = "head -n 1 /proc/kallsyms"
  equal(#run{ "capable", command = command }:rows{ AUDIT = 0 }, 0)
  check(#run{ "capable", "-v", command = command }:rows{ COMM = "head", CAP = 34, AUDIT = 0 } > 0)
end)

case("has stacks, threads and INSETID", { needs = EITHER }, function()
  local got = run{ "capable", "-x", "-K", "-U", command = "chroot / true" }
  local row = got:row{ COMM = "chroot", CAP = 18 }
  equal(row.TID, row.PID)
  check(row.INSETID == 0 or row.INSETID == "-")
  check(got.out:find "CAP_SYS_CHROOT[^\n]+\n        cap_capable%+", got.out)
  check(got.out:find "\n        ns_capable%+%d+\n        __x64_sys_chroot%+%d+\n", got.out)
end)

case("--unique shows each once", { needs = EITHER }, function()
  local file = sh "mktemp":match "%S+"
  local command = ("chown 1 %s %s %s"):format(file, file, file)
  local all = run{ "capable", command = command }:rows{ NAME = "CAP_CHOWN" }
  local unique = run{ "capable", "--unique", command = command }:rows{ NAME = "CAP_CHOWN" }
  sh("rm " .. file)
  check(#all >= 3, #all .. " checks of 3 files")
  equal(#unique, 1)
end)
