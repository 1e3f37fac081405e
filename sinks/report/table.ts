import { type Html, html } from './html.ts';

/** A cell: text, HTML of ours, or a number, which stands on the right. */
export type Cell = string | Html | { readonly number: string };

/**
 * A table that stays one for a screen reader when a narrow screen shows its rows as cards: the style sheet changes
 * `display`, which takes away the elements' own roles, so they are written out.
 * @param rowClass class of a row by its index
 */
export function table(
  caption: string,
  head: readonly Cell[],
  rows: readonly (readonly Cell[])[],
  rowClass: (row: number) => string = () => '',
): Html {
  return html`<table role="table" aria-label="${caption}">
<thead role="rowgroup"><tr role="row">${head.map((cell) => html`<th role="columnheader" scope="col"${side(cell)}>${content(cell)}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map((cells, row) => html`<tr role="row" class="${rowClass(row)}">${cells.map((cell, column) => body(cell, head[column] ?? '', column))}</tr>`)}</tbody>
</table>`;
}

function body(cell: Cell, head: Cell, column: number): Html {
  return column === 0
    ? html`<th role="rowheader" scope="row"${side(cell)}>${content(cell)}</th>`
    : html`<td role="cell" data-head="${content(head)}"${side(cell)}><span>${content(cell)}</span></td>`;
}

function content(cell: Cell): string | Html {
  return typeof cell === 'object' && 'number' in cell ? cell.number : cell;
}

function side(cell: Cell): Html | null {
  return typeof cell === 'object' && 'number' in cell ? html` class="number"` : null;
}
