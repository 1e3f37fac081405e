import os from 'node:os';
import type { HostInfo } from '../../metrics/summary.ts';

/** The machine that this runs on. */
export function hostInfo(): HostInfo {
  const cpus = os.cpus();
  return {
    name: os.hostname(),
    os: `${os.platform()} ${os.arch()} ${os.release()}`,
    cpu: cpus[0]?.model.trim() || 'unknown',
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    node: process.version,
  };
}
