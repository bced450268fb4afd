// Dark or light: what a person chose, else what the system prefers. Not a module, so that it is done before the first paint.
"use strict";
(() => {
  const prefers = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* Storage is forbidden: only not remembered. */ }

  function show() {
    const theme = chosen ?? (prefers.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (button) button.textContent = theme === "dark" ? "Light" : "Dark";
    window.dispatchEvent(new Event("themechange"));
  }

  prefers.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme").addEventListener("click", () => {
      chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("theme", chosen); } catch { /* As above. */ }
      show();
    });
  });
  show();
})();
