/** The script of the player page: wires the page's controls, the session and the figures. */
import type { PageSettings, Protocol } from '../settings.ts';
import { mediaUrl, readStreamName } from '../watching/media-url.ts';
import { readStreamList } from '../watching/stream-list.ts';
import {
  form,
  listField,
  nameField,
  playButton,
  protocolChoices,
  say,
  soundButton,
  streamList,
  streamName,
  video,
} from './page.ts';
import { Session } from './session.ts';
import { showFigures } from './show-figures.ts';

const FIGURES_EVERY_MS = 500;
const LIST_EVERY_MS = 10_000;
const RETRY_MS = [1_000, 2_000, 4_000, 8_000];
/** A pause so short leaves the picture where it was. */
const GO_LIVE_AFTER_MS = 1_000;
/** The entry of the list that stands for a typed name; no stream is called so. */
const TYPED = '';

const settings = JSON.parse(document.body.dataset['settings'] ?? '') as PageSettings;
const parameters = new URLSearchParams(location.search);
/** What the page's address carries besides its own two words goes on to the stream: a signature. */
const passedOn = new URLSearchParams(
  [...parameters].filter(([key]) => key !== 'stream' && key !== 'protocol'),
);

let session: Session | null = null;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let retries = 0;
let pausedAtMs: number | null = null;

const typed = (): string => streamName.value.trim();
const chosenName = (): string =>
  listField.hidden || streamList.value === TYPED ? typed() : streamList.value;
const chosenProtocol = (): Exclude<Protocol, 'whep'> =>
  (protocolChoices.find(({ checked }) => checked)?.value ?? 'http-flv') as Exclude<Protocol, 'whep'>;

function watch(): void {
  clearTimeout(retryTimer);
  session?.stop();
  session = null;
  pausedAtMs = null;
  const read = readStreamName(chosenName());
  if (read === null) {
    say(
      chosenName() === '' ? 'Choose a stream.' : "A stream's name is APP/NAME, such as live/room.",
      chosenName() !== '',
    );
    return;
  }
  const protocol = chosenProtocol();
  const choice = read.query === '' ? { ...read, query: passedOn.toString() } : read;
  history.replaceState(null, '', pageAddress(choice.stream, protocol, choice.query));
  say(`Asking for ${choice.stream} …`);
  session = new Session(video, mediaUrl(protocol, choice, settings, location), protocol, {
    firstFrame: () => {
      retries = 0;
      say(`Playing ${choice.stream}.`);
    },
    over: retryLater,
  });
}

/** So that the address can be sent to somebody, or loaded anew. */
function pageAddress(stream: string, protocol: Protocol, query: string): string {
  return `?stream=${stream}&protocol=${protocol}${query === '' ? '' : `&${query}`}`;
}

function retryLater(sentence: string): void {
  if (session !== null) showFigures(session.figures());
  // Its last figures stay; the play button asks for the stream at once.
  session = null;
  const waitMs = RETRY_MS[Math.min(retries++, RETRY_MS.length - 1)]!;
  say(`${sentence} Trying again in ${waitMs / 1000} s.`, true);
  retryTimer = setTimeout(watch, waitMs);
}

function choose(): void {
  retries = 0;
  nameField.hidden = !listField.hidden && streamList.value !== TYPED;
  watch();
}

function togglePlay(): void {
  if (session === null) choose();
  else if (video.paused) void video.play().catch(() => {});
  else video.pause();
}

function toggleSound(): void {
  video.muted = !video.muted;
}

/** The next or previous of a list of choices, round its ends. */
function step<T>(choices: readonly T[], current: number, by: number): T | undefined {
  return choices[(current + by + choices.length) % choices.length];
}

function stepProtocol(by: number): void {
  const next = step(
    protocolChoices,
    protocolChoices.findIndex(({ checked }) => checked),
    by,
  );
  if (next === undefined) return;
  next.checked = true;
  choose();
}

function stepStream(by: number): void {
  const streams = [...streamList.options].map(({ value }) => value).filter((value) => value !== TYPED);
  const next = step(streams, Math.max(0, streams.indexOf(streamList.value)), by);
  if (next === undefined || next === streamList.value) return;
  streamList.value = next;
  choose();
}

const keys: Readonly<Record<string, () => void>> = {
  ' ': togglePlay,
  m: toggleSound,
  ArrowLeft: () => stepProtocol(-1),
  ArrowRight: () => stepProtocol(1),
  ArrowUp: () => stepStream(-1),
  ArrowDown: () => stepStream(1),
};

document.addEventListener('keydown', (event) => {
  // Controls have their own keys: a radio its arrows, a button its space.
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if ((event.target as Element).closest('input, select, button, a')) return;
  const act = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (act === undefined) return;
  event.preventDefault();
  act();
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  choose();
});
streamList.addEventListener('change', choose);
for (const choice of protocolChoices) choice.addEventListener('change', choose);
playButton.addEventListener('click', togglePlay);
soundButton.addEventListener('click', toggleSound);
video.addEventListener('click', togglePlay);
video.addEventListener('volumechange', () => soundButton.setAttribute('aria-pressed', String(!video.muted)));
video.addEventListener('pause', () => {
  pausedAtMs = performance.now();
  playButton.textContent = 'Play';
});
video.addEventListener('play', () => {
  playButton.textContent = 'Pause';
  if (pausedAtMs !== null && performance.now() - pausedAtMs > GO_LIVE_AFTER_MS) session?.goLive();
  pausedAtMs = null;
});

/** Refreshes the list of streams and leaves what is chosen. Where there is none, names are typed. */
async function refreshStreams(url: string): Promise<void> {
  const names = await fetch(url, { headers: { accept: 'application/json' } })
    .then((answer) => (answer.ok ? answer.json() : null))
    .then(readStreamList, (): string[] => []);
  const isFirst = listField.hidden;
  if (names.length === 0 && isFirst) return;
  const chosen = isFirst ? typed() : streamList.value;
  // Somebody is choosing: a list that changes under the hand is worse than one of ten seconds ago.
  if (!isFirst && document.activeElement === streamList) return;
  // The stream that is played stays to be seen when it has gone.
  const shown = chosen === TYPED || names.includes(chosen) ? names : [chosen, ...names];
  streamList.replaceChildren(
    ...shown.map((name) => new Option(name, name)),
    new Option('another, by its name …', TYPED),
  );
  streamList.value = isFirst && chosen === TYPED ? (shown[0] ?? TYPED) : chosen;
  listField.hidden = false;
  nameField.hidden = streamList.value !== TYPED;
}

setInterval(() => {
  if (session !== null) showFigures(session.figures());
}, FIGURES_EVERY_MS);

streamName.value = parameters.get('stream') ?? '';
for (const choice of protocolChoices) if (choice.value === parameters.get('protocol')) choice.checked = true;
// The element's attribute counts only at parsing; some browsers restore an earlier state.
video.muted = true;
const { streamsUrl } = settings;
if (streamsUrl !== null) {
  await refreshStreams(streamsUrl);
  setInterval(() => void refreshStreams(streamsUrl), LIST_EVERY_MS);
}
if (chosenName() !== '') choose();
