/** What the scripts here use of k6 2.x: its modules exist only inside k6. */

declare const __ENV: Readonly<Record<string, string | undefined>>;
declare const console: { error(text: string): void };

declare module 'k6/metrics' {
  type Tags = Readonly<Record<string, string>>;
  export class Trend {
    constructor(name: string, isTime?: boolean);
    add(value: number, tags?: Tags): void;
  }
  export class Counter {
    constructor(name: string);
    add(value: number, tags?: Tags): void;
  }
  export class Gauge {
    constructor(name: string);
    add(value: number, tags?: Tags): void;
  }
  /** Share of what was added that was true. */
  export class Rate {
    constructor(name: string);
    add(value: boolean, tags?: Tags): void;
  }
}

declare module 'k6/timers' {
  export function setTimeout(callback: () => void, ms: number): number;
  export function clearTimeout(id: number): void;
  export function setInterval(callback: () => void, ms: number): number;
  export function clearInterval(id: number): void;
}

declare module 'k6/websockets' {
  export class WebSocket {
    constructor(url: string);
    binaryType: 'arraybuffer' | 'blob';
    onopen: () => void;
    onmessage: (event: { data: ArrayBuffer | string }) => void;
    onerror: (event: { error: string }) => void;
    onclose: () => void;
    close(): void;
  }
}
