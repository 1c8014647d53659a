//! A folder of PNG and JPEG files as rows; the names of sub-folders are labels.

use crate::hold::sink::Sink;
use crate::pictures::picture::Picture;
use rows::{Dataset, Error, Message, Result, Shape, Store, Values};
use std::fs;
use std::path::{Path, PathBuf};

/// The widest and the highest that images are resized to.
const LONGEST_SIDE: usize = 4096;

/// One image file.
struct Entry {
    path: PathBuf,
    /// The name relative to the folder, with `/` on every system.
    name: String,
    label: Option<String>,
}

/// Reads a folder of images, or one image, held in at most `memory` bytes; all grey gives one
/// channel, any colour three.
pub(crate) fn load(
    path: &Path,
    resize: Option<(usize, usize)>,
    memory: Option<u64>,
) -> Result<Dataset> {
    if let Some((width, height)) = resize
        && !((1..=LONGEST_SIDE).contains(&width) && (1..=LONGEST_SIDE).contains(&height))
    {
        return Err(Error::setting(
            "resize",
            format!("{width}x{height}"),
            format!("sides from 1 to {LONGEST_SIDE}"),
        ));
    }
    let mut warnings = Vec::new();
    let entries = list(path, &mut warnings)?;
    let mut pixels = Pixels::new(path, memory);
    let mut first: Option<(usize, usize, &Entry)> = None;
    let mut transparent = 0;
    for entry in &entries {
        let mut picture = Picture::open(&entry.path)?;
        if let Some((width, height)) = resize {
            picture = picture.resized(width, height);
        }
        let (width, height, like) = *first.get_or_insert((picture.width, picture.height, entry));
        if (picture.width, picture.height) != (width, height) {
            return Err(Error::data(
                path.display(),
                Message::from(format!(
                    "{} is {width}x{height} and {} is {}x{}; wanted one size: give ",
                    like.name, entry.name, picture.width, picture.height
                ))
                .set("resize", "WxH")
                .text(", for example ")
                .set("resize", format!("{width}x{height}")),
            ));
        }
        transparent += usize::from(picture.transparent);
        pixels.add(&picture)?;
    }
    if transparent > 0 {
        let left = format!("transparency is left out, which {transparent} image(s) have");
        warnings.push(left.into());
    }
    let (width, height, _) =
        first.ok_or_else(|| Error::data(path.display(), "holds no PNG or JPEG images"))?;
    let shape = Shape::Image { height, width, channels: pixels.channels() };
    let mut data = Dataset::new(path.display().to_string(), shape, pixels.bytes.finish()?)?;
    data.full_scale = Some(255.0);
    data.warnings = warnings;
    data.labels = entries.iter().map(|entry| entry.label.clone()).collect();
    data.ids = Some(entries.into_iter().map(|entry| entry.name).collect());
    Ok(data)
}

/// Rows of pixels, of one channel until the first colour comes.
struct Pixels {
    bytes: Sink<u8>,
    colour: bool,
    place: String,
    memory: Option<u64>,
}

impl Pixels {
    fn new(folder: &Path, memory: Option<u64>) -> Self {
        let place = folder.display().to_string();
        Self { bytes: Sink::new(&place, memory, usize::MAX), colour: false, place, memory }
    }

    fn channels(&self) -> usize {
        if self.colour { 3 } else { 1 }
    }

    fn add(&mut self, picture: &Picture) -> Result<()> {
        if !self.colour && !picture.is_grey() {
            self.colour = true;
            self.widen()?;
        }
        self.bytes.room(picture.width * picture.height * self.channels())?;
        if self.colour {
            self.bytes.extend(picture.rgb.iter().copied())
        } else {
            self.bytes.extend(picture.rgb.iter().copied().step_by(3))
        }
        Ok(())
    }

    /// Three channels instead of one.
    fn widen(&mut self) -> Result<()> {
        let grey: Store =
            std::mem::replace(&mut self.bytes, Sink::new(&self.place, self.memory, usize::MAX))
                .finish()?;
        for block in grey.blocks(1) {
            if let Values::U8(grey) = &*block? {
                self.bytes.room(grey.len() * 3)?;
                self.bytes.extend(grey.iter().flat_map(|&grey| [grey; 3]));
            }
        }
        Ok(())
    }
}

/// The files of images in a folder, or the one file.
pub(crate) fn files(path: &Path, warnings: &mut Vec<Message>) -> Result<Vec<PathBuf>> {
    Ok(list(path, warnings)?.into_iter().map(|entry| entry.path).collect())
}

/// The images in a folder, sorted by name; a single file is a folder of one.
fn list(path: &Path, warnings: &mut Vec<Message>) -> Result<Vec<Entry>> {
    if !path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(vec![Entry { path: path.to_owned(), name, label: None }]);
    }
    let here = Listing::of(path)?;
    let mut others = here.others;
    let mut entries = Vec::new();
    let top: Vec<Entry> =
        here.images.into_iter().map(|(name, path)| Entry { path, name, label: None }).collect();
    for (folder, path) in here.folders {
        let below = Listing::of(&path)?;
        others += below.others;
        if !below.folders.is_empty() {
            warnings.push(format!("folders within {folder} were not looked into").into());
        }
        let label = Some(folder);
        entries.extend(below.images.into_iter().map(|(name, path)| Entry {
            path,
            name: format!("{}/{name}", label.as_deref().unwrap_or_default()),
            label: label.clone(),
        }));
    }
    if others > 0 {
        warnings.push(format!("left out, being no PNG or JPEG image: {others} file(s)").into());
    }
    match (top.is_empty(), entries.first()) {
        (false, Some(labelled)) => Err(Error::data(
            path.display(),
            format!(
                "images lie both in the folder ({}) and in sub-folders ({}), so that only some have a label; move them",
                top[0].name, labelled.name
            ),
        )),
        (false, None) => Ok(top),
        (true, _) => Ok(entries),
    }
}

/// What lies in one folder: names and paths, sorted.
#[derive(Default)]
struct Listing {
    images: Vec<(String, PathBuf)>,
    folders: Vec<(String, PathBuf)>,
    others: usize,
}

impl Listing {
    fn of(folder: &Path) -> Result<Self> {
        let mut listing = Self::default();
        for entry in fs::read_dir(folder).map_err(|error| Error::io(folder, error))? {
            let path = entry.map_err(|error| Error::io(folder, error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            match extension.as_str() {
                // Hidden: what systems leave in folders.
                _ if name.starts_with('.') => {}
                _ if path.is_dir() => listing.folders.push((name, path)),
                "png" | "jpg" | "jpeg" => listing.images.push((name, path)),
                _ => listing.others += 1,
            }
        }
        listing.images.sort();
        listing.folders.sort();
        Ok(listing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn save(folder: &TempDir, name: &str, width: usize, height: usize, rgb: [u8; 3]) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = fs::File::create(path).unwrap();
        let mut encoder = png::Encoder::new(file, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&rgb.repeat(width * height)).unwrap();
        writer.finish().unwrap();
    }

    #[test]
    fn grey_images_have_one_channel_even_when_stored_in_colour() {
        let folder = tempfile::tempdir().unwrap();
        save(&folder, "b.png", 2, 2, [9, 9, 9]);
        save(&folder, "a.png", 2, 2, [3, 3, 3]);
        let data = load(folder.path(), None, None).unwrap();
        assert_eq!(data.shape, Shape::Image { height: 2, width: 2, channels: 1 });
        assert_eq!(data.values, Values::U8(vec![3, 3, 3, 3, 9, 9, 9, 9]));
        assert_eq!(data.ids.unwrap(), ["a.png", "b.png"]);
        assert_eq!((data.labels, data.full_scale), (None, Some(255.0)));
    }

    #[test]
    fn one_colour_makes_all_images_colour() {
        let folder = tempfile::tempdir().unwrap();
        save(&folder, "a.png", 1, 1, [3, 3, 3]);
        save(&folder, "b.png", 1, 1, [1, 2, 3]);
        save(&folder, "c.png", 1, 1, [4, 4, 4]);
        let data = load(folder.path(), None, None).unwrap();
        assert_eq!(data.values, Values::U8(vec![3, 3, 3, 1, 2, 3, 4, 4, 4]));
        let on_disk = load(folder.path(), None, Some(0)).unwrap();
        assert!(on_disk.values.in_memory().is_none());
        assert_eq!(on_disk.values, Values::U8(vec![3, 3, 3, 1, 2, 3, 4, 4, 4]));
    }

    #[test]
    fn sub_folders_are_labels() {
        let folder = tempfile::tempdir().unwrap();
        save(&folder, "dogs/a.png", 1, 1, [1, 1, 1]);
        save(&folder, "cats/b.png", 1, 1, [2, 2, 2]);
        fs::write(folder.path().join("cats/notes.txt"), "x").unwrap();
        fs::write(folder.path().join(".hidden"), "x").unwrap();
        let data = load(folder.path(), None, None).unwrap();
        assert_eq!(data.labels.unwrap(), ["cats", "dogs"]);
        assert_eq!(data.ids.unwrap(), ["cats/b.png", "dogs/a.png"]);
        assert_eq!(data.warnings, ["left out, being no PNG or JPEG image: 1 file(s)".into()]);
        save(&folder, "top.png", 1, 1, [1, 1, 1]);
        assert!(
            load(folder.path(), None, None)
                .unwrap_err()
                .to_string()
                .contains("both in the folder (top.png)")
        );
    }

    #[test]
    fn images_of_different_sizes_name_two_files_and_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        save(&folder, "a.png", 2, 3, [1, 1, 1]);
        save(&folder, "b.png", 4, 3, [1, 1, 1]);
        let error = load(folder.path(), None, None).unwrap_err().to_string();
        assert!(
            error.contains("a.png is 2x3 and b.png is 4x3; wanted one size: give resize = WxH"),
            "{error}"
        );
        let data = load(folder.path(), Some((5, 6)), None).unwrap();
        assert_eq!(
            (data.rows(), data.shape),
            (2, Shape::Image { height: 6, width: 5, channels: 1 })
        );
        assert!(load(folder.path(), Some((0, 6)), None).is_err());
    }

    #[test]
    fn a_folder_without_images_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            load(folder.path(), None, None)
                .unwrap_err()
                .to_string()
                .contains("holds no PNG or JPEG images")
        );
    }

    #[test]
    fn one_file_is_one_row() {
        let folder = tempfile::tempdir().unwrap();
        save(&folder, "a.png", 2, 2, [1, 2, 3]);
        assert_eq!(load(&folder.path().join("a.png"), None, None).unwrap().rows(), 1);
    }

    #[test]
    fn photographs_are_read() {
        let Some(folder) = crate::real_data() else {
            return;
        };
        let kodak = folder.join("kodak");
        assert!(load(&kodak, None, None).unwrap_err().to_string().contains("resize = "));
        let data = load(&kodak, Some((48, 32)), None).unwrap();
        assert_eq!((data.rows(), data.features()), (8, 48 * 32 * 3));
    }
}
