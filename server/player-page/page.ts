import { absentProtocols, type PageSettings, type Protocol, protocols } from './settings.ts';

const protocolNames: Readonly<Record<Protocol, string>> = {
  'http-flv': 'HTTP-FLV',
  'ws-flv': 'WS-FLV',
  hls: 'HLS',
  whep: 'WHEP',
};

/** Figures in the order of the page; the script fills `#figure-…`. */
const figures: readonly (readonly [id: string, name: string, about: string])[] = [
  ['first-frame', 'First frame', 'after it was asked for'],
  ['latency', 'Latency', 'by the stamp in the stream'],
  ['picture-latency', 'Picture latency', 'by the cells in its edge'],
  ['buffer', 'Buffer', 'media ahead of the picture'],
  ['stalls', 'Stalls', 'of 100 ms and more'],
  ['bitrate', 'Bitrate', 'received'],
  ['dropped', 'Dropped frames', 'not shown by the browser'],
  ['size', 'Picture', 'width and height'],
];

/** The page to watch, with what the server tells its script. Everything it loads is beside it, under relative addresses. */
export function renderPage(settings: PageSettings): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Streamgauge player</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="style.css">
<script type="module" src="player.js"></script>
</head>
<body data-settings="${escapeHtml(JSON.stringify(settings))}">
<main>
<h1>Streamgauge player</h1>
<form id="choice">
  <div class="field" id="list-field" hidden>
    <label for="stream-list">Stream</label>
    <select id="stream-list"></select>
  </div>
  <div class="field" id="name-field">
    <label for="stream-name">Name of the stream</label>
    <input id="stream-name" type="text" placeholder="live/room" autocomplete="off" autocapitalize="none" spellcheck="false">
  </div>
  <fieldset class="field">
    <legend>Protocol</legend>
    <div class="protocols">${protocols.map(protocolChoice).join('')}</div>
  </fieldset>
  <button id="watch" type="submit">Watch</button>
</form>
<p id="status" role="status">Choose a stream.</p>
<section aria-label="Player" class="stage">
  <video id="video" tabindex="0" muted playsinline aria-label="Picture of the stream"></video>
  <div class="buttons">
    <button id="play" type="button">Play</button>
    <button id="sound" type="button" aria-pressed="false">Sound</button>
  </div>
</section>
<section aria-labelledby="figures-title">
<h2 id="figures-title">What this viewer sees</h2>
<dl class="figures">
${figures
  .map(
    ([id, name, about]) =>
      `<div class="figure"><dt>${name}</dt><dd id="figure-${id}">–</dd><dd class="about" id="about-${id}">${about}</dd></div>`,
  )
  .join('\n')}
</dl>
</section>
<p class="keys"><kbd>Space</kbd> plays and pauses, <kbd>←</kbd> <kbd>→</kbd> choose the protocol, <kbd>↑</kbd> <kbd>↓</kbd> the stream, <kbd>M</kbd> the sound.</p>
<p class="keys">Latency is this device's clock less the moment at which the picture was made by its publisher's clock.</p>
<noscript>The player needs JavaScript.</noscript>
</main>
</body>
</html>
`;
}

function protocolChoice(protocol: Protocol): string {
  const name = protocolNames[protocol];
  const attributes = `type="radio" name="protocol" value="${protocol}" id="protocol-${protocol}"`;
  if (absentProtocols.includes(protocol))
    return `<span class="protocol"><input ${attributes} disabled><label for="protocol-${protocol}">${name} (not yet)</label></span>`;
  const checked = protocol === protocols[0] ? ' checked' : '';
  return `<span class="protocol"><input ${attributes}${checked}><label for="protocol-${protocol}">${name}</label></span>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
