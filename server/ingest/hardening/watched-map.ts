/**
 * A Map that tells of each value put into it that was not there before.
 *
 * node-media-server registers each session and each stream in a global Map the moment it makes one: putting watched
 * Maps there before it starts is the one hook that needs no change of its code.
 */
export class WatchedMap<K, V> extends Map<K, V> {
  readonly #added: (value: V) => void;

  constructor(added: (value: V) => void) {
    super();
    this.#added = added;
  }

  override set(key: K, value: V): this {
    const known = this.get(key) === value;
    super.set(key, value);
    if (!known) this.#added(value);
    return this;
  }
}
