import { describe, expect, it } from 'vitest';
import { html, raw, scriptJson } from './html.ts';

describe('html', () => {
  it('escapes what it is given, and only that', () => {
    expect(html`<p title="${`"'\`<&>`}">${'<b>'}</p>`.text).toBe(
      '<p title="&#34;&#39;&#96;&#60;&#38;&#62;">&#60;b&#62;</p>',
    );
  });

  it('takes HTML of its own, lists, numbers, and nothing', () => {
    const items = ['<a>', '<b>'].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}</ul>${3}${null}${raw('<hr>')}`.text).toBe(
      '<ul><li>&#60;a&#62;</li><li>&#60;b&#62;</li></ul>3<hr>',
    );
  });
});

describe('scriptJson', () => {
  it('cannot end its script element and reads back the same', () => {
    const value = { name: '</script><!-- \u2028', list: [1, null] };
    const { text } = scriptJson(value);
    expect(text).not.toMatch(/<|\u2028/);
    expect(JSON.parse(text)).toEqual(value);
  });
});
