"""The words that WhatsApp writes instead of what it leaves out, in the languages beside those of `words`.

They are the app's own, from its tables of strings: on Android ``export_media_omitted``, ``revoked_msg_incoming``,
``revoked_msg_outgoing`` and ``email_live_location_message``; on the iPhone one for each kind of media.
"""

from __future__ import annotations

__all__ = ["DELETED", "DELETED_BY_ME", "LIVE_LOCATION", "MARKED", "MEDIA", "phrases"]


def phrases(*lines: str) -> frozenset[str]:
    """Return the phrases of some lines, in which ``|`` stands between two."""
    return frozenset(phrase for line in lines for phrase in line.split("|"))


MEDIA = phrases(
    "media weggelaat|media buraxıldı|media çıxarılmışdır|без файл|মিডিয়া বাদ দেওয়া হয়েছে",
    "fitxers multimèdia omesos|mitjans omesos|média vynechány|média vynechána|medier udeladt|mediefil udeladt",
    "medien weggelassen|αρχείο παραλήφθηκε|εξαίρεση πολυμέσων|meedia välja jäetud|meedia ära jäetud",
    "رسانه حذف شد|پيوست نما/آهنگ حذف شد|media jätettiin pois|media jätetty pois|fichier omis",
    "મિડિયા છોડી મૂકાયું|મીડિયા અવગણવામાં આવ્યા|मीडिया के बिना|medijski zapis izostavljen|média elhagyva",
    "hiányzó médiafájl|media tidak disertakan|media omesso|המדיה לא נכללה|מדיה הושמטה",
    "メディアは含まれていません|файлдар қосылмаған|файл қосылған жоқ|ಮಾಧ್ಯಮ ಕೈಬಿಡಲಾಗಿದೆ|미디어 파일 제외됨",
    "미디어 파일을 생략한 대화내용|ບໍ່ລວມມີເດຍ|medija praleista|praleistas medijos turinys",
    "nav iekļauta multivide|bez multivides|без фајлови|без фајл|മീഡിയ ഒഴിവാക്കി|मीडिया वगळण्यात आला",
    "मीडिया वगळले|media dikecualikan|media disingkirkan|media utelatt|uten vedlegg|ਮੀਡੀਆ ਛੱਡਿਆ|ਮੀਡੀਆ ਛਡਿਆ ਗਿਆ",
    "pliki pominięto|ficheiro não revelado|arquivo não revelado|mídia omitida|conținut media omis",
    "файл пропущен|médiá vynechané|datoteke izpuščene|medij izpuščen|media u hoq|media hequr",
    "медији су изостављени|media har utelämnats|media hazijajumuishwa|media imerukwa|கோப்புகள் விடப்பட்டன",
    "ஊடகங்கள் நீக்கப்பட்டது|మీడియా విస్మరించబడింది|మాధ్యమం విస్మరించబడింది|ไฟล์สื่อถูกลบ|สื่อถูกลบ",
    "inalis ang media|walang kalakip na media|medya atlanmış|медіа пропущено|میڈیا چھوڑ دیا گیا",
    "میڈیا ہٹا دیا گیا|fayl o‘tkazib yuborildi|bỏ qua tệp phương tiện|bỏ qua media|忽略多媒體檔",
    "省略多媒体文件",
)
"""What Android writes in angle brackets for media."""

DELETED = phrases(
    "הודעה זו נמחקה|Αυτό το μήνυμα διαγράφηκε|Це повідомлення було видалено|এই মেসেজটি বাদ দেওয়া হয়েছে",
    "此訊息已刪除|这条消息已被删除|信息已删除|Tin nhắn này đã bị xóa|Tin nhắn này đã bị xoá",
    "یہ میسج حذف کر دیا گیا ہے|ข้อความนี้ถูกลบแล้ว|Det här meddelandet raderades|Táto správa bola odstránená",
    "Acest mesaj a fost șters|Denne meldingen ble slettet|Mesej ini telah dipadam|हा मेसेज हटवण्यात आला",
    "이 메시지는 삭제되었습니다|このメッセージは削除されました|Ez az üzenet törlésre került|Pesan ini dihapus",
    "Pesan ini telah dihapus|Ova je poruka izbrisana|यह मैसेज डिलीट कर दिया गया है|આ મેસેજ ડિલીટ કરાયો",
    "Tämä viesti poistettiin|این پیام حذف شده است|این پیام حذف شد|Denne besked er blevet slettet",
    "Tato zpráva byla smazána|Tato zpráva byla odstraněna|Aquest missatge s'ha suprimit",
    "Itong mensahe ay binura na|Šī ziņa tika izdzēsta|Бұл хат жойылды|Ushbu xabar o‘chirildi",
    "To sporočilo je bilo izbrisano|Ujumbe huu ulifutwa|Ši žinutė buvo ištrinta|Este mensaje fue eliminado",
    "See sõnum on kustutatud|Съобщението беше изтрито|Hierdie boodskap was uitgevee|Bu ismarıc silindi",
    "Оваа порака беше избришана|Ова порука је обрисана|This message was deleted by an admin",
)
"""What stands where somebody deleted a message."""

DELETED_BY_ME = phrases(
    "מחקת את ההודעה הזו|מחקת הודעה זו|Вы удалили это сообщение|Apagou esta mensagem|Διαγράψατε αυτό το μήνυμα",
    "Ви видалили це повідомлення|لقد حذَفت هذه الرسالة|أنت حذفت هذه الرسالة|আপনি এই মেসেজটি বাদ দিয়েছেন",
    "您已刪除此訊息|您已删除这条消息|Bạn đã xóa tin nhắn này|Bạn đã xoá tin nhắn này",
    "آپ نے یہ میسج حذف کر دیا ہے|คุณได้ลบข้อความนี้|Du har tagit bort meddelandet",
    "Du raderade det här meddelandet|Túto správu ste odstránili|Ați șters acest mesaj",
    "Du slettet denne meldingen|Anda telah memadamkan mesej ini|तुम्ही हा मेसेज हटवला|이 메시지를 삭제했습니다",
    "삭제한 메시지입니다|このメッセージを削除しました|Törölted ezt az üzenetet|Anda menghapus pesan ini",
    "Anda telah menghapus pesan ini|Izbrisali ste ovu poruku|आपने यह मैसेज डिलीट किया|તમે આ મેસેજ ડિલીટ કર્યો",
    "Poistit tämän viestin|شما این پیام را حذف کردید|Du har slettet denne besked|Tuto zprávu jste smazal/a",
    "Has suprimit aquest missatge|Jūs izdzēsāt šo ziņu|Siz ushbu xabarni o‘chirdingiz",
    "Usunąłeś(aś) tę wiadomość|To sporočilo ste izbrisali|Umefuta ujumbe huu|Jūs ištrynėte šią žinutę",
    "Kustutasid selle sõnumi|Изтрихте това съобщение|Jy het boodskap uitgevee",
    "You deleted this message as admin",
)
"""What stands where the owner did."""

LIVE_LOCATION = phrases(
    "live location shared|locație în timp real distribuită|Геоданные отправлены|實時位置已分享",
    "posizione attuale condivisa|Ubicació en directe compartida|byla sdílena aktuální poloha|共享实时位置",
    "Lokasi terkini dibagikan|ライブロケーション共有|reāllaika atrašanās vieta|live placering delt",
    "सध्याचे थेट ठिकाण शेअर केले|משתף מיקום בשידור חי|lokasi terkini dikongsi|localização atual compartilhada",
    "लाइव स्थान साझा किया गया|udostępniona transmisja położenia|vị trí hiện thời được chia sẻ",
    "liveposition delad|bola zdieľaná aktuálna poloha|Mevcut konum paylaşıldı|ตำแหน่งปัจจุบันถูกแบ่งปัน",
    "posisjon i sanntid delt|live-sijainti jaettu|Localisation en direct partagée",
    "ubicación en tiempo real compartida|trenutna lokacija podijeljena|tartózkodási hely megosztva",
    "live locatie gedeeld|Live-Standort wird geteilt|공유한 실시간 위치|تمت مشاركة الموقع المباشر",
    "Está a partilhar a sua localização|геодані надіслано|Локација уживо подељена",
)
"""What Android writes where somebody showed where they are."""

MARKED = {
    "image": phrases(
        "התמונה הושמטה|imagem não revelada|εικόνα παραλείφθηκε|зображення відсутнє|لم يتم إدراج الصورة",
        "圖片已略去|圖像已省略|照片已忽略|đã bỏ qua hình ảnh|تصویر نکال دی گئی ہے|ไม่มีรูปภาพ|bild utesluten",
        "obrázok vynechaný|obraz pominięty|imagine omisă|bilde ikke inkludert|imej tidak dimasukkan",
        "इमेज वगळली|이미지 생략됨|画像は含まれていません|kép küldése sikertelen|gambar tidak disertakan",
        "slika izostavljena|फ़ोटो हटाई गई|ei kuvaa|تصویر حذف شد|billede udeladt|obrázek vynechán|imatge omesa",
    ),
    "video": phrases(
        "סרטון הווידאו הושמט|vídeo não revelado|βίντεο παραλείφθηκε|відео відсутнє|لم يتم إدراج الفيديوهات",
        "影片已略去|影片已省略|视频已忽略|đã bỏ video|วิดีโอถูกลบ|video utesluten|video vynechané",
        "wideo pominięte|clip video omis|video utelatt|video tidak dimasukkan|व्हिडीओ वगळला|비디오 생략됨",
        "ビデオは含まれていません|videó kihagyva|video tidak disertakan|video izostavljen|वीडियो छोड़ा गया",
        "videota ei sisällytetä|ویدیو حذف شد|video udeladt|video vynecháno|vídeo omès",
    ),
    "audio": phrases(
        "קטע קול הושמט|ficheiro de áudio não revelado|ήχος παραλείφθηκε|аудіо відсутнє",
        "لم يتم إدراج المقاطع الصوتية|音訊已略去|音訊已省略|音频已忽略|bỏ qua tệp âm thanh|ไม่มีไฟล์เสียง",
        "ljud utelslutet|zvuk vynechaný|audio pominięte|fără audio|lyd utelatt|audio tidak dimasukkan",
        "ऑडिओ वगळला|오디오 생략됨|音声は含まれていません|hang kihagyása|audio tidak disertakan",
        "zvuk izostavljen|ऑडियो हटाई गयी|äänitiedostoa ei sisällytetä|صدا حذف شد|lyd udeladt",
        "zvukový soubor vynechán|àudio omès",
    ),
    "sticker": phrases(
        "סטיקר הושמט|стикер не добавлен|sticker não revelado|αυτοκόλλητο παραλήφθηκε|наклейку не додано",
        "تم حذف الملصقات|貼圖已略去|貼圖已忽略|贴图已省略|đã bỏ sticker|ไม่มีสติกเกอร์|sticker utesluten",
        "nálepka vynechaná|pominięto naklejkę|klistremerke utelatt|pelekat tidak disertakan|स्टिकर वगळले",
        "스티커 제외됨|スタンプは含まれていません|matrica kihagyva|stiker tidak disertakan",
        "naljepnica izostavljena|स्टिकर छोड़ा गया|tarraa ei sisällytetty|استیکر حذف شد|klistermærke udeladt",
        "nálepka vynechána|adhesiu omès",
    ),
    "GIF": phrases(
        "GIF הושמט|GIF não revelada|παράληψη GIF|GIF-анімацію пропущено|لم يتم إدراج صورة GIF|GIF 已略去",
        "GIF 圖片已被省略|GIF 动态图已被忽略|đã bỏ qua ảnh GIF|ละเว้น GIF|GIF utesluten|GIF vynechaný",
        "plik GIF pominięty|GIF omis|GIF utelatt|GIF tidak dimasukkan|GIF वगळले|GIF 생략됨",
        "GIFは含まれていません|GIF fájl kihagyása|GIF tidak disertakan|GIF izostavljen|GIF छोड़ा गया",
        "GIF-animaatio jätetty pois|GIF حذف شد|GIF udeladt|GIF vynechán|GIF omès",
    ),
    "document": phrases(
        "מסמך הושמט|documento não revelado|έγγραφο παραλείφθηκε|документ пропущено|لم يتم إدراج المستند",
        "文件已略去|文件已忽略|文档已省略|đã bỏ qua tài liệu|ละเว้นเอกสาร|dokument uteslutet",
        "dokument vynechaný|dokument pominięty|document omis|utelatt dokument|dokumen tidak dimasukkan",
        "डॉक्युमेंट वगळले|문서 생략됨|ドキュメントは含まれていません|dokumentum kihagyva",
        "dokumen tidak disertakan|dokument izostavljen|डॉक्यूमेंट छोड़ा गया|dokumenttia ei sisällytetä",
        "سند حذف شد|dokument udeladt|dokument vynechán|document omès",
    ),
    "contact": phrases(
        "כרטיס איש קשר הושמט|карточка контакта отсутствует|fiche contact manquante|contacto não revelado",
        "η κάρτα επαφής παραλήφθηκε|картка контакту відсутня|لم يتم إدراج بطاقة جهة اتصال|聯絡人卡片已略去",
        "聯絡人卡片已省略|联系人卡片已忽略|bỏ qua thẻ liên lạc|บัตรรายชื่อที่ละเว้น|kontaktkort uteslutet",
        "karta kontaktu vynechaná|pominięta wizytówka kontaktu|carte de vizită contact omisă",
        "visitekaartje weggelaten|kontaktkort sløyfet|kad kenalan tidak dimasukkan|संपर्क कार्ड वगळले",
        "연락처 카드 생략됨|連絡先カードを省略|névjegykártya kihagyva|kartu kontak tidak disertakan",
        "posjetnica izostavljena|कॉन्टैक्ट कार्ड छोड़ा गया|yhteystietokortti jätettiin pois|برگ مخاطب حذف شد",
        "kontaktkort udeladt|vizitka vynechána|targeta de contacte omesa",
    ),
}
"""What the iPhone writes for each kind of media, behind its mark; without the mark somebody may have typed it."""
