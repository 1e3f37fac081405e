import type { Publisher } from '../clients/publisher.ts';

/**
 * One publisher's presence, for those who send it away: churn and faults may overlap, and it comes back when nobody
 * wants it away any more.
 */
export class PublisherPresence {
  #publisher: Publisher | null = null;
  #absences = 0;

  /** The publisher has been made and started; it leaves at once if it should be away. */
  take(publisher: Publisher): void {
    this.#publisher = publisher;
    if (this.#absences > 0) publisher.leave('cut');
  }

  sendAway(how: 'goodbye' | 'cut'): void {
    this.#absences += 1;
    if (this.#absences === 1) this.#publisher?.leave(how);
  }

  callBack(): void {
    if (this.#absences === 0) return;
    this.#absences -= 1;
    if (this.#absences === 0) this.#publisher?.comeBack();
  }
}
