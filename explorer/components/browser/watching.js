// Tells the server when the system turns light or dark while a page is open: figures and styles are drawn for one of both.

const DARK = matchMedia("(prefers-color-scheme: dark)");
const SOON = 300; // milliseconds in which Streamlit has turned to its other theme

export default function watch({ setTriggerValue }) {
  const turned = () => setTimeout(() => setTriggerValue("turned", DARK.matches), SOON);
  DARK.addEventListener("change", turned);
  return () => DARK.removeEventListener("change", turned);
}
