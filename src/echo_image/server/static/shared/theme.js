// Runs before the first paint, so that a theme chosen by hand does not flash in the other one.
try {
  const chosen = localStorage.getItem("echo-image.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
} catch {
  // No storage is allowed here: the theme of the system is used.
}
