/** The report's style sheet. Colours are variables, so that the plots' canvas can read them too. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1b2330; --muted: #5a6678; --rule: #dfe3ea; --grid: #e9ecf1; --focus: #1d5fd1;
  --pass: #12713a; --pass-tint: #e5f5ea; --fail: #b3261e; --fail-tint: #fdeceb; --warn: #8a5300; --warn-tint: #fff3dc;
  --line-0: #1d5fd1; --line-1: #c2410c; --line-2: #0f766e; --line-3: #9333a8; --line-4: #64748b; --line-5: #a16207;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --text: #e6eaf1; --muted: #9aa7b9; --rule: #2b3442; --grid: #242c39; --focus: #7fb0ff;
    --pass: #63d491; --pass-tint: #12301f; --fail: #ff8f87; --fail-tint: #3a1a1a; --warn: #f2bd5c; --warn-tint: #35280f;
    --line-0: #7fb0ff; --line-1: #ff9a62; --line-2: #4fd1c0; --line-3: #d9a0ea; --line-4: #a3b1c6; --line-5: #e0c060;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 20px 64px; }
h1, h2, h3, p, dl, dd, ul, figure { margin: 0; }
h1 { font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 40px 0 12px; }
h3 { font-size: 1rem; }
.muted, .about { color: var(--muted); font-size: .9rem; overflow-wrap: anywhere; }
.about { margin-bottom: 12px; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }

.verdict { display: flex; gap: 18px; align-items: center; margin: 20px 0; padding: 20px 24px; border-radius: 12px; border-left: 8px solid; }
.verdict .mark { flex: none; width: 56px; height: 56px; border-radius: 50%; display: grid; place-items: center; color: var(--card); }
.verdict .mark svg { width: 30px; height: 30px; fill: none; stroke: currentColor; stroke-width: 3.2; stroke-linecap: round; stroke-linejoin: round; }
.verdict strong { display: block; font-size: 1.7rem; line-height: 1.15; }
.verdict p { overflow-wrap: anywhere; }
.pass { background: var(--pass-tint); border-color: var(--pass); } .pass strong { color: var(--pass); } .pass .mark { background: var(--pass); }
.fail, .error { background: var(--fail-tint); border-color: var(--fail); }
.fail strong, .error strong { color: var(--fail); } .fail .mark, .error .mark { background: var(--fail); }
.inconclusive { background: var(--warn-tint); border-color: var(--warn); }
.inconclusive strong { color: var(--warn); } .inconclusive .mark { background: var(--warn); }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; }
.tile, .card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 16px; }
.tile dt { color: var(--muted); font-size: .85rem; }
.tile dd { font-size: 1.5rem; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile dd + dd { font-size: .85rem; font-weight: 400; color: var(--muted); }
.card + .card { margin-top: 12px; }

table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .94rem; }
th, td { padding: 8px 12px; text-align: left; vertical-align: top; border-top: 1px solid var(--rule); overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--muted); font-weight: 500; font-size: .85rem; }
tbody th { font-weight: 500; }
.number { text-align: right; } td.number { white-space: nowrap; }
tr.whole > * { font-weight: 650; }
.state { font-weight: 650; white-space: nowrap; }
.state.met { color: var(--pass); } .state.crossed { color: var(--fail); } .state.unjudged { color: var(--warn); }
code { font: .88em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: var(--muted); overflow-wrap: anywhere; }
td code { display: block; }

.card + .plots { margin-top: 12px; }
.facts { margin-top: 8px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 12px; }
.plots .card { margin: 0; min-width: 0; }
.plots .card:first-child:nth-last-child(odd) { grid-column: 1 / -1; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0; list-style: none; font-size: .85rem; }
.legend svg { width: 22px; height: 10px; margin-right: 6px; stroke-width: 3; vertical-align: middle; }
.plot { height: 200px; margin-top: 8px; }
.readout { min-height: 1.4em; font-size: .85rem; color: var(--muted); font-variant-numeric: tabular-nums; }
.empty { padding: 28px 0; color: var(--muted); }
details > summary { cursor: pointer; color: var(--muted); font-size: .9rem; }
details table, details dl { margin-top: 8px; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; }
.facts dt { color: var(--muted); } .facts dd { overflow-wrap: anywhere; }
.words dt { font-weight: 600; margin-top: 10px; }

/* Narrow screens: each row becomes a card of its own, each cell a line that says what it is. */
@media (max-width: 640px) {
  main { padding: 16px 12px 48px; }
  .verdict { padding: 16px; gap: 14px; } .verdict .mark { width: 44px; height: 44px; } .verdict strong { font-size: 1.4rem; }
  .tiles { grid-template-columns: 1fr 1fr; } .tile:last-child:nth-child(odd) { grid-column: 1 / -1; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, th, td { display: block; }
  tbody tr { padding: 10px 0; border-top: 1px solid var(--rule); } tbody tr:first-child { border-top: 0; }
  tbody th, tbody td { display: flex; justify-content: space-between; gap: 16px; padding: 2px 0; border: 0; text-align: right; }
  tbody th { font-weight: 650; text-align: left; }
  td[data-head]::before { content: attr(data-head); color: var(--muted); font-weight: 400; text-align: left; flex: none; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 8px; }
}
@media print { body { background: none; } .card, .tile, .verdict, tr { break-inside: avoid; } }
`;
