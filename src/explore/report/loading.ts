/** Section 8: how to load the data, its licence, and how to cite it. */
import { bibtex, type SplitName } from '../../manifest/index.js';
import { normalize } from './colour.js';
import { type Html, html } from './html.js';
import type { ReportModel } from './model.js';

interface Snippet {
  readonly title: string;
  readonly code: string;
}

export function loadingSection({ stats, manifest, provenance }: ReportModel): Html {
  const split = stats.splits[0]!.split;
  return html`<p>The files are in a folder named <code>pcam</code>, as <code>pcam download</code> leaves them; exports are made by <code>pcam export</code>.</p>
<div class="loading">${snippets(split, normalize(stats.splits[0]!.channels)).map(({ title, code }) => html`<div><h3>${title}</h3><pre tabindex="0"><code>${code}</code></pre></div>`)}</div>
<h3>License</h3><p>${licence(manifest.license)}</p>
${provenance === 'synthetic' ? html`<p>The data is synthetic: it is for tests, and there is nothing to cite.</p>` : html`<h3>Citation</h3><p>Please cite PatchCamelyon and the Camelyon16 challenge that its slides are from.</p><pre tabindex="0"><code>${bibtex(manifest)}</code></pre>`}`;
}

function licence(license: string | undefined): Html {
  if (license === 'CC0-1.0') {
    return html`The data is dedicated to the public domain: <a href="https://creativecommons.org/publicdomain/zero/1.0/">CC0 1.0</a>.`;
  }
  return license === undefined ? html`The manifest names no license.` : html`${license}`;
}

function snippets(split: SplitName, normalization: readonly string[]): Snippet[] {
  const stem = `pcam/camelyonpatch_level_2_split_${split}_`;
  const torch = split === 'valid' ? 'val' : split;
  const hub = split === 'valid' ? 'validation' : split;
  return [
    {
      title: 'PyTorch',
      code: `from torchvision import datasets, transforms

transform = transforms.Compose([
    transforms.ToTensor(),
${normalization.map((line) => `    ${line}`).join('\n')},
])
data = datasets.PCAM(
    root=".", split="${torch}", transform=transform
)`,
    },
    {
      title: 'NumPy',
      code: `import h5py

stem = "${stem}"
# uint8, shape (N, 96, 96, 3)
x = h5py.File(stem + "x.h5")["x"]
y = h5py.File(stem + "y.h5")["y"][:].reshape(-1)
images, labels = x[:256], y[:256]`,
    },
    {
      title: 'Keras 3',
      code: `import h5py, keras

stem = "${stem}"

class PCam(keras.utils.PyDataset):
    def __init__(self, size=128, **options):
        super().__init__(**options)
        self.x = h5py.File(stem + "x.h5")["x"]
        labels = h5py.File(stem + "y.h5")["y"]
        self.y = labels[:].reshape(-1)
        self.size = size
    def __len__(self):
        return -(-len(self.y) // self.size)
    def __getitem__(self, i):
        part = slice(i * self.size, (i + 1) * self.size)
        images = self.x[part].astype("float32")
        return images / 255, self.y[part]

model.fit(PCam())`,
    },
    {
      title: 'TensorFlow',
      code: `# pcam export --format tfrecord \\
#   --shuffle --out pcam-tfrecord
import tensorflow_datasets as tfds

builder = tfds.builder_from_directory("pcam-tfrecord")
data = builder.as_dataset(
    split="${hub}", as_supervised=True
)`,
    },
    {
      title: 'JAX',
      code: `# pcam export --format raw \\
#   --shuffle --out pcam-raw
import glob, jax, numpy

paths = glob.glob("pcam-raw/pcam-${split}-x-*.npy")
for path in sorted(paths):
    x = numpy.load(path, mmap_mode="r")
    y = numpy.load(path.replace("-x-", "-y-"))
    images = jax.device_put(x[:256])
    labels = jax.device_put(y[:256])`,
    },
    {
      title: 'Hugging Face',
      code: `# pcam export --format parquet \\
#   --shuffle --out pcam-parquet
import datasets

data = datasets.load_dataset("./pcam-parquet")
data["${hub}"][0]["image"]`,
    },
  ];
}
