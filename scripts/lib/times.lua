-- BCC's `[INTERVAL] [COUNT]`: report is called at every interval, and after count of them the run ends. What has come
-- together when it ends otherwise is reported then; without an interval that is all.
return function(interval, count, report)
  local left = count or math.huge
  if interval then
    every(interval, function()
      left = left - 1
      report()
      if left < 1 then exit() end
    end)
  end
  on_exit(function()
    if left >= 1 then report() end
  end)
end
