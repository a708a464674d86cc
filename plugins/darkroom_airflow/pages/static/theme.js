// Airflow's own light or dark: it keeps `light`, `dark` or `system` under this name, for all of its pages.

const KEPT_AS = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function kept() {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function show() {
  const said = (kept() ?? "").replaceAll('"', "");
  document.documentElement.dataset.theme = ["light", "dark"].includes(said) ? said : dark.matches ? "dark" : "light";
}

show();
addEventListener("storage", show);
dark.addEventListener("change", show);
