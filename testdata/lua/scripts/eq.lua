-- eq(got, want) is an error at the caller's line unless both are equal: tables if what is in them is.
local got, want = ...

local function show(v)
  if type(v) == "string" then
    return string.format("%q", v)
  elseif type(v) ~= "table" then
    return tostring(v)
  end
  local parts = {}
  for key, value in pairs(v) do
    parts[#parts + 1] = "[" .. show(key) .. "] = " .. show(value)
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return rawequal(a, b) or a ~= a and b ~= b
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

if not same(got, want) then
  error("got " .. show(got) .. ", want " .. show(want), 2)
end
