// What this browser keeps for the next visit: cookies that come with it, and which of the app's themes it shows.

const YEAR = 365 * 24 * 3600;
// Where Streamlit keeps the theme of a page; it reads it when the page is loaded.
const THEME = (path) => `stActiveTheme-${path}-v2`;

export default function remember({ data }) {
  for (const [name, value] of Object.entries(data.cookies)) {
    const next = `${name}=${encodeURIComponent(value)}`;
    if (document.cookie.split("; ").includes(next)) continue;
    document.cookie = `${next}; path=${data.root}; max-age=${YEAR}; SameSite=Strict`;
  }
  if (!data.theme) return;
  const wanted = data.theme === "System" ? null : JSON.stringify(data.theme);
  let changed = false;
  for (const page of data.pages) {
    const key = THEME(data.root + page);
    if (localStorage.getItem(key) === wanted) continue;
    changed = true;
    if (wanted === null) localStorage.removeItem(key);
    else localStorage.setItem(key, wanted);
  }
  if (changed) location.reload(); // the address holds the view
}
