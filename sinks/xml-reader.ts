/**
 * A strict reader for the XML that tests get to see (no doctype, no CDATA, no namespaces): whatever it takes is
 * well-formed by XML 1.0. Test code: the product only writes XML.
 */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
}

const NAME = '[A-Za-z_][\\w.-]*';
// Section 2.2: what a document may contain at all.
const illegal = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

/** @throws Error at the first thing that is not well-formed */
export function parseXml(text: string): XmlElement {
  if (illegal.test(text)) throw new Error('A character that XML cannot hold.');
  const tokens = new RegExp(
    `<\\?xml version="1.0" encoding="UTF-8"\\?>|<(/?)(${NAME})((?:\\s+${NAME}="[^"<]*")*)\\s*(/?)>|([^<]+)`,
    'gy',
  );
  const root = { name: '', attributes: {}, children: [] as XmlElement[] };
  const open = [root];
  while (tokens.lastIndex < text.length) {
    const at = tokens.lastIndex;
    const token = tokens.exec(text);
    if (!token) throw new Error(`Not well-formed at ${at}: ${text.slice(at, at + 60)}`);
    const [, closing, name = '', attributes = '', empty, content] = token;
    if (content !== undefined) {
      decode(content);
    } else if (closing) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes what is not open.`);
    } else if (name !== '') {
      const element = { name, attributes: readAttributes(attributes), children: [] };
      open.at(-1)?.children.push(element);
      if (!empty) open.push(element);
    }
  }
  if (open.length !== 1 || root.children.length !== 1) throw new Error('Not exactly one root element.');
  return root.children[0]!;
}

function readAttributes(text: string): Record<string, string> {
  const attributes: Record<string, string> = Object.create(null);
  for (const [, name = '', value = ''] of text.matchAll(new RegExp(`(${NAME})="([^"]*)"`, 'g'))) {
    if (name in attributes) throw new Error(`Attribute ${name} twice.`);
    attributes[name] = decode(value);
  }
  return { ...attributes };
}

function decode(text: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
  return text.replace(
    /&(?:#(\d+)|(\w+));|&/g,
    (reference, code: string | undefined, name: string | undefined) => {
      const character = code ? String.fromCodePoint(Number(code)) : named[name ?? ''];
      if (character === undefined || illegal.test(character))
        throw new Error(`No such character: ${reference}`);
      return character;
    },
  );
}
