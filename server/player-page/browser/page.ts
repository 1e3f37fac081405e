/** Elements of the page (server/player-page/page.ts), by their ids. */
function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

export const form = element<HTMLFormElement>('choice');
export const listField = element('list-field');
export const streamList = element<HTMLSelectElement>('stream-list');
export const nameField = element('name-field');
export const streamName = element<HTMLInputElement>('stream-name');
export const video = element<HTMLVideoElement>('video');
export const playButton = element<HTMLButtonElement>('play');
export const soundButton = element<HTMLButtonElement>('sound');
export const protocolChoices = [
  ...form.querySelectorAll<HTMLInputElement>('input[name=protocol]:not(:disabled)'),
];

const status = element('status');

export function say(sentence: string, failed = false): void {
  status.textContent = sentence;
  status.classList.toggle('failed', failed);
}

export function showFigure(id: string, text: string, about?: string): void {
  element(`figure-${id}`).textContent = text;
  if (about !== undefined) element(`about-${id}`).textContent = about;
}
