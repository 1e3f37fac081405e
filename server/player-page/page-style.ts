/** The page's style sheet; the colours are the report's (sinks/report/page-style.ts), so that the two look like one product. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1b2330; --muted: #5a6678; --rule: #dfe3ea; --edge: #7d8898;
  --focus: #1d5fd1; --action: #1d5fd1; --on-action: #ffffff; --fail: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --text: #e6eaf1; --muted: #9aa7b9; --rule: #2b3442; --edge: #76839a;
    --focus: #7fb0ff; --action: #7fb0ff; --on-action: #10141b; --fail: #ff8f87;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 20px 16px 48px; display: grid; gap: 16px; }
main > * { min-width: 0; }
h1, h2, p, dl, dd, fieldset { margin: 0; }
h1 { font-size: 1.4rem; line-height: 1.25; }
h2 { font-size: 1.1rem; margin-bottom: 10px; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }

form { display: flex; flex-wrap: wrap; align-items: end; gap: 14px 20px; }
.field { border: 0; padding: 0; min-width: 0; }
.field > label, legend { display: block; padding: 0; color: var(--muted); font-size: .9rem; margin-bottom: 4px; }
select, input[type=text], button { font: inherit; min-height: 44px; padding: 8px 14px; border-radius: 8px; border: 1px solid var(--edge); background: var(--card); color: var(--text); }
select, input[type=text] { width: 15rem; max-width: 100%; }
input::placeholder { color: var(--muted); opacity: 1; }
button { cursor: pointer; }
#watch, button[aria-pressed=true] { background: var(--action); border-color: var(--action); color: var(--on-action); font-weight: 650; }
.protocols { display: flex; flex-wrap: wrap; gap: 0 16px; }
.protocol { display: inline-flex; align-items: center; min-height: 44px; }
.protocol input { width: 20px; height: 20px; margin: 0 8px 0 0; accent-color: var(--action); }
.protocol input:disabled + label { color: var(--muted); }

#status { min-height: 1.5em; overflow-wrap: anywhere; }
#status.failed { color: var(--fail); font-weight: 600; }
.stage { display: grid; gap: 10px; }
video { display: block; width: 100%; aspect-ratio: 16 / 9; max-height: 68vh; background: #000; border-radius: 10px; object-fit: contain; }
.buttons { display: flex; gap: 10px; }
.buttons button { min-width: 7rem; }

.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; }
.figure { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 10px 14px; min-width: 0; }
.figure dt { color: var(--muted); font-size: .85rem; }
.figure dd { font-size: 1.3rem; font-weight: 650; line-height: 1.35; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.figure .about { font-size: .8rem; font-weight: 400; color: var(--muted); }
.keys { color: var(--muted); font-size: .9rem; }
kbd { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; border: 1px solid var(--edge); border-radius: 4px; padding: 0 5px; }
@media (min-width: 720px) { .figures { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
@media (max-width: 480px) { select, input[type=text], #list-field, #name-field, #watch, button[aria-pressed=true] { width: 100%; } .buttons button { flex: 1; } }
`;

/** A play mark on the product's blue. */
export const pageIcon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d5fd1"/><path d="M12 9l11 7-11 7z" fill="#fff"/></svg>`;
