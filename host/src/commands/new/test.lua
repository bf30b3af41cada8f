local execs = "tracepoint:sched:sched_process_exec"

case("counts programs by name", { needs = execs, example = true }, function()
  local got = run { "{TOOL}", command = "sh -c '/bin/true; /bin/true; /bin/true'" }
  equal(got:row { COMM = "true" }.COUNT, 3)
end)

case("counts one name alone", { needs = execs }, function()
  local got = run { "{TOOL}", "-n", "true", command = "sh -c '/bin/sleep 0; /bin/true'" }
  equal(#got:rows(), 1)
  equal(got:row { COMM = "true" }.COUNT, 1)
end)
