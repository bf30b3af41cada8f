local EITHER = "kprobe:cap_capable,tracepoint:capability:cap_capable"

case("shows what chroot asks for", { needs = EITHER, example = true }, function()
  local row = run{ "capable", command = "chroot / true" }:row{ COMM = "chroot", CAP = 18 }
  equal(row.NAME, "CAP_SYS_CHROOT")
  equal(row.UID, 0)
  check(row.TIME:find "^%d%d:%d%d:%d%d$")
end)

case("checks that are not audited are shown by -v only", { needs = "kprobe:cap_capable" }, function()
  local quiet = run{ "capable", command = "chroot / true" }
  equal(quiet:row{ COMM = "chroot", CAP = 18 }.AUDIT, 1)
  equal(#quiet:rows{ AUDIT = 0 }, 0)
  local verbose = run{ "capable", "-v", command = "chroot / true" }
  equal(verbose:row{ COMM = "chroot", CAP = 18 }.AUDIT, 1)
  -- What memory there is to have is asked for without audit.
  check(#verbose:rows{ NAME = "CAP_SYS_ADMIN", AUDIT = 0 } > 0, verbose.out)
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
  local program = "sh -c 'chown 0 /tmp; chown 0 /tmp'"
  local function most(...)
    local seen, most = {}, 0
    for _, row in ipairs(run{ "capable", "-v", ..., command = program }:rows()) do
      local key = row.PID .. row.NAME
      seen[key] = (seen[key] or 0) + 1
      most = math.max(most, seen[key])
    end
    return most
  end
  check(most() > 1)
  equal(most "--unique", 1)
end)
