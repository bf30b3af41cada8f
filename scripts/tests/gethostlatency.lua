case("who asks libc for which host", { needs = "command:getent", example = true }, function()
  local got = run { "gethostlatency", command = "getent ahosts localhost" }
  local rows = got:rows { COMM = "getent" }
  check(#rows >= 1, got.out)
  for _, row in ipairs(rows) do equal(row.HOST, "localhost") end
  check(rows[1]["LAT(ms)"] > 0 and rows[1]["LAT(ms)"] < 20000, got.out)
end)

case("the functions of a program that has libc in it", { needs = "command:workload" }, function()
  local path = sh("readlink -f $(command -v workload)"):match "%S+"
  local got = run { "gethostlatency", "-l", path, command = "workload as asker at-once resolve 192.0.2.1" }
  -- A name that is an address is not looked up.
  equal(#got:rows { COMM = "asker" }, 0)
  got = run { "gethostlatency", "-l", path, command = "workload as asker at-once resolve localhost" }
  local row = got:row { COMM = "asker" }
  equal(row.HOST, "localhost")
  check(row["LAT(ms)"] > 0, got.out)
end)

case("a program that has none of them", { needs = "command:busybox" }, function()
  run { "gethostlatency", "-l", "busybox", status = 1, says = "getaddrinfo" }
end)
