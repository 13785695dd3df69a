-- How Argo CD sees the kinds of virtwright.io: by generation and conditions, as kstatus does. A machine that is meant to be off, and is, is Healthy.
-- It needs none of Lua's libraries that Argo CD does not give.
local metadata = obj.metadata or {}
local status = obj.status or {}

if metadata.deletionTimestamp ~= nil then
  local message = "Pending deletion"
  if metadata.finalizers ~= nil and #metadata.finalizers > 0 then
    message = message .. "; blocked by finalizers: " .. table.concat(metadata.finalizers, ", ")
  end
  return { status = "Progressing", message = message }
end

if status.observedGeneration == nil or status.observedGeneration ~= metadata.generation then
  return { status = "Progressing", message = "Waiting to be looked at" }
end

local found = {}
for _, condition in ipairs(status.conditions or {}) do
  found[condition.type] = condition
end

local function is(type)
  return found[type] ~= nil and found[type].status == "True"
end

local function say(health, condition)
  local message = condition.message
  if message == nil or message == "" then
    message = condition.reason
  end
  return { status = health, message = message }
end

if is("Reconciling") then
  return say("Progressing", found.Reconciling)
end
if is("Stalled") then
  return say("Degraded", found.Stalled)
end
if is("Ready") then
  return say("Healthy", found.Ready)
end
return { status = "Progressing", message = "Waiting to be looked at" }
