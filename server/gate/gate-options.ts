/** What the gate can be told (`gate:` and `limits:` of the configuration), and the rules that follow for every part that serves. */
import type { HotlinkRules } from './hotlink.ts';
import { type LimitRules, noLimits } from './limits.ts';
import type { SignatureRules } from './sign.ts';

export interface GateOptions {
  /** Set: publishers need a signed URL. The list is for two keys at once, the single one for one; both may be given. */
  readonly publishSecret?: string | undefined;
  readonly publishSecrets?: readonly string[] | undefined;
  /** Set: viewers need a signed URL. */
  readonly playSecret?: string | undefined;
  readonly playSecrets?: readonly string[] | undefined;
  readonly maxLifetimeS?: number | undefined;
  readonly clockSkewS?: number | undefined;
  readonly allowedOrigins?: readonly string[] | undefined;
  readonly emptyReferer?: 'allow' | 'refuse' | undefined;
}

/** As in the configuration file: what is left out has no limit. */
export type LimitOptions = { readonly [Key in keyof LimitRules]?: number | undefined };

export interface GateRules {
  /** Signatures are demanded for a role exactly when it has secrets. */
  readonly signatures: Readonly<Record<'publish' | 'play', SignatureRules>>;
  readonly hotlink: HotlinkRules;
}

export function gateRules(options: GateOptions): GateRules {
  const { maxLifetimeS = null, clockSkewS = 0, allowedOrigins = null, emptyReferer = 'allow' } = options;
  const signatures = (one: string | undefined, list: readonly string[] = []): SignatureRules => ({
    secrets: [...list, ...(one === undefined ? [] : [one])],
    maxLifetimeS,
    clockSkewS,
  });
  return {
    signatures: {
      publish: signatures(options.publishSecret, options.publishSecrets),
      play: signatures(options.playSecret, options.playSecrets),
    },
    hotlink: { allowedOrigins, emptyReferer },
  };
}

export function limitRules(options: LimitOptions = {}): LimitRules {
  const given = Object.entries(options).filter(([, limit]) => limit !== undefined);
  return { ...noLimits, ...Object.fromEntries(given) };
}
