/** What a stream can break of TR 101 290, priorities 1 and 2: the reasons of the metric `ts_violations`. */
export type TsViolation = 'sync' | 'continuity' | 'pat-gap' | 'pmt-gap' | 'pcr-gap' | 'pts-gap' | 'malformed';
