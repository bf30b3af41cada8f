case("greets each program that starts", { needs = "tracepoint:syscalls:sys_enter_execve", example = true }, function()
  local got = run { "hello", command = "sh -c '/bin/true; /bin/true; /bin/true'" }
  local greeted = 0
  for _, line in ipairs(got:lines()) do
    if line:find "^hello, /bin/true %(started by sh, process %d+%)$" then greeted = greeted + 1 end
  end
  equal(greeted, 3)
end)
