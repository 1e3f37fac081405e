import { Link } from '../core/link/link.ts';
import { unlimited } from '../core/link/profile.ts';
import { startHttpFlvServer, startRtmpServer } from '../tests/kit/scripted-server.ts';
import { describeViewer } from '../tests/kit/viewer-contract.ts';

// What holds for viewers holds behind a link, too: a short and wide one, so that nothing takes long.
const link = () =>
  new Link(
    { ...unlimited, downBps: 400_000_000, upBps: 400_000_000, delayMs: 1, jitterMs: 1 },
    1,
    performance.now(),
  );

describeViewer({
  name: 'HTTP-FLV (behind a link)',
  serve: startHttpFlvServer,
  urlAt: (hostAndPort) => `http://${hostAndPort}/live/a.flv`,
  garbageReason: 'bad-response',
  link,
});

describeViewer({
  name: 'RTMP (behind a link)',
  serve: startRtmpServer,
  urlAt: (hostAndPort) => `rtmp://${hostAndPort}/live/a`,
  garbageReason: 'bad-response',
  link,
});
