import type { GrowingBytes } from '../growing-bytes.ts';
import { boxType } from './box.ts';

/** A box (ISO/IEC 14496-12, 4.2) whose content `write` adds; its size is put in afterwards. */
export function addBox(out: GrowingBytes, name: string, write: () => void): void {
  const at = out.length;
  out.add32(0);
  out.add32(boxType(name));
  write();
  out.put32(at, out.length - at);
}

/** A box that has a version and flags. */
export function addFullBox(
  out: GrowingBytes,
  name: string,
  version: number,
  flags: number,
  write: () => void,
): void {
  addBox(out, name, () => {
    out.add32(((version << 24) | flags) >>> 0);
    write();
  });
}
