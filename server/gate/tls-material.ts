/** Key and certificate as PEM texts: what goes to the processes that listen. */
export interface TlsMaterial {
  readonly key: string;
  /** The certificate, and after it those that lead to its authority. */
  readonly cert: string;
}
