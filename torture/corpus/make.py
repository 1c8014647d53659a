"""Makes the files beside it: small, valid ones of the formats that this project reads and does not write.

Three are none of its, were found by mutation, and fell once: decoder-gives-up.parquet,
ends-in-the-middle.ods and not-finite.ae.run.

python3 make.py, with numpy, pandas, pyarrow, openpyxl, odfpy and pillow."""
import io, os, sqlite3, zipfile
import numpy as np, openpyxl, pandas as pd, pyarrow as pa, pyarrow.parquet as pq
from pyarrow import feather
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))
rng = np.random.default_rng(0)
rows = 40
table = pd.DataFrame({
    "a": rng.normal(size=rows).round(3),
    "b": rng.normal(size=rows).round(3),
    "count": rng.poisson(3, size=rows),
    "kind": [("red", "green", "blue")[i % 3] for i in range(rows)],
    "on": [i % 2 == 0 for i in range(rows)],
    "day": pd.date_range("2024-01-30", periods=rows, freq="D"),
})
table.loc[7, "a"] = np.nan
arrow = pa.Table.from_pandas(table, preserve_index=False)
arrow = arrow.set_column(3, "kind", arrow["kind"].dictionary_encode())
for name, stream in [("table.arrow", False), ("table.arrows", True)]:
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(name, arrow.schema) as out:
        out.write_table(arrow)
feather.write_feather(arrow, "table.feather", compression="lz4")
pq.write_table(arrow, "table.parquet", compression="zstd", data_page_version="2.0")
pq.write_table(pa.table({"v": [[float(x) for x in rng.normal(size=3)] for _ in range(rows)],
                         "money": pa.array(range(rows), pa.decimal128(10, 2)),
                         "half": pa.array(np.arange(rows, dtype="f2"))}), "lists.parquet", compression="snappy")
table.to_excel("table.xlsx", index=False)
table.to_excel("table.ods", index=False, engine="odf")
book = openpyxl.Workbook()
for at in range(1, 20):
    for column in range(1, 4):
        book.active.cell(at, column, at * column)
book.active.cell(1048576, 16384, 1)
book.save("value-far-away.xlsx")
if os.path.exists("table.db"): os.remove("table.db")
with sqlite3.connect("table.db") as base:
    table.to_sql("points", base, index=False)
with zipfile.ZipFile("table.zip", "w", zipfile.ZIP_DEFLATED) as out:
    out.writestr("table.csv", table.to_csv(index=False))
np.savez_compressed("arrays.npz", X=rng.normal(size=(rows, 4)).astype("f4"), y=np.arange(rows) % 3)
np.save("columns.npy", np.asfortranarray(rng.normal(size=(rows, 4))))
image = (rng.random((12, 12, 3)) * 255).astype("u1")
Image.fromarray(image).save("colour.jpg", quality=70)
Image.fromarray(image[..., 0]).save("grey.jpg", quality=70, progressive=True)
Image.fromarray(image).save("colour.png")
Image.fromarray(image[..., 0]).convert("P").save("palette.png")
