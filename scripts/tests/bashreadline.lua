local needs = { "command:bash", "command:script", "uprobe:/bin/bash:readline" }

-- Lines typed into a shell on a terminal of its own; the last one is Ctrl-D, which is no line.
local function typed(shell, lines)
  local keys = table.concat(lines, "\\n") .. "\\n\\004"
  local command = [[sh -c '(printf "%s"; sleep 1) | script -qc "%s --norc --noprofile -i" /dev/null >/dev/null']]
  return command:format(keys, shell)
end

case("shows the lines that are entered", { needs = needs, example = true }, function()
  local rows = run{ "bashreadline", command = typed("bash", { "echo one  two", "ls /nonexistent" }) }:rows()
  equal(#rows, 2)
  equal(rows[1].COMMAND, "echo one  two")
  equal(rows[2].COMMAND, "ls /nonexistent")
  equal(rows[1].PID, rows[2].PID)
end)

case("long lines are whole", { needs = needs }, function()
  local long = "echo " .. ("long"):rep(200)
  run{ "bashreadline", command = typed("bash", { long }) }:row{ COMMAND = long }
end)

case("-s names another shell", { needs = needs }, function()
  local folder = sh "mktemp -d":match "%S+"
  local shell = folder .. "/bash"
  sh("cp /bin/bash " .. shell)
  local own = run{ "bashreadline", "-s", shell, command = typed(shell, { "echo own" }) }
  local other = run{ "bashreadline", "-s", shell, command = typed("/bin/bash", { "echo other" }) }
  sh("rm -r " .. folder)
  own:row{ COMMAND = "echo own" }
  equal(#other:rows(), 0)
end)

case("a program without readline is refused", { needs = "uprobe:c:malloc" }, function()
  run{ "bashreadline", "-s", "c", status = 1, says = "no function 'readline' in" }
  run{ "bashreadline", "-s", "/nonexistent", status = 1, says = "there is no file /nonexistent" }
end)
